"""Write once to a database that is not the one with the jobs, although it commits apart from the job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS, transaction

from jobs.context import JobContext
from jobs.errors import CancelRequestedError
from jobs.models import Job
from uploads.ingest.session import Session
from uploads.models import Merge


def result_of_earlier_attempt(context: JobContext, alias: str) -> dict[str, Any] | None:
    """The job's result if an earlier attempt has written the rows, but not finished the job. This one then does."""
    if alias == DEFAULT_DB_ALIAS or (done := Merge.objects.using(alias).filter(pk=context.job.pk).first()) is None:
        return None
    context.finish_with(lambda: None)  # the rows are written, so the job can no longer be canceled
    return cast("dict[str, Any]", done.result)


@contextmanager
def once_in_ledger(session: Session, context: JobContext, result: dict[str, Any]) -> Iterator[None]:
    """A transaction of the target's database, with a row in its ledger. With the jobs' database, it is the current one.

    Raises SessionLostError; LeaseLostError and CancelRequestedError, so that nothing is written for a job that has
    ended, or is about to.
    """
    alias = session.connection.alias
    session.require()
    if alias == DEFAULT_DB_ALIAS:
        yield
        return
    with transaction.atomic(using=alias):
        yield
        Merge.objects.using(alias).create(pk=context.job.pk, result=result)
        _hold_job(context)


def _hold_job(context: JobContext) -> None:
    """Lock the job's row until the job is finished: nobody else can end it once its rows are written elsewhere."""
    held = Job.objects.held_by(context.job.pk, context.attempt.fencing_token)
    requests = list(held.select_for_update(no_key=True).values_list("cancel_requested_at", flat=True))
    if not requests:
        raise context.lease_lost()
    if requests[0] is not None:
        raise CancelRequestedError(f"cancellation of job {context.job.pk} was requested")
