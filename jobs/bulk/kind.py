"""The kind `bulk`. Each job of it is a leg: it works on a bulk run until the work is done or a later leg takes over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser

from jobs.bulk.stages import stage_of
from jobs.bulk.work import POLL_SECONDS, change_jobs, check_jobs, send_canary, undo_jobs
from jobs.context import JobContext
from jobs.inspection import Inspector, InvalidPayloadError
from jobs.kinds import Kind, QueueDials
from jobs.models.bulk import BULK, BulkRun, Stage
from jobs.postgres.advisory_locks import LockClass, try_lock
from jobs.retry import RetryPolicy


def run_bulk(context: JobContext) -> dict[str, Any]:
    """The handler: work until the run's stage needs no work or a later leg takes over. One leg works at a time."""
    run = BulkRun.objects.get(pk=context.job.payload["run"])
    while stage_of(context, run):
        context.check()
        with try_lock(LockClass.BULK_RUN, run.pk) as granted:
            if granted:
                _work(context, run)
                break
        time.sleep(POLL_SECONDS)
    return {"run": run.pk, "stage": stage_of(context, run) or "taken over"}


def _work(context: JobContext, run: BulkRun) -> None:
    steps: dict[str, Callable[[JobContext, BulkRun], None]] = {
        Stage.CHECKING: check_jobs,
        Stage.CANARY: send_canary,
        Stage.RUNNING: change_jobs,
        Stage.UNDOING: undo_jobs,
    }
    while (step := steps.get(stage_of(context, run))) is not None:
        step(context, run)


class BulkInspector(Inspector):
    """The payload names the run. People do not edit it."""

    def validate(self, payload: Any, owner: AbstractBaseUser | None) -> dict[str, Any]:
        """Raises InvalidPayloadError unless the payload has the form that `jobs.bulk.steering` writes."""
        checked = super().validate(payload, owner)
        run = checked.get("run")
        if set(checked) != {"run", "stage"} or type(run) is not int or checked["stage"] not in Stage.values:
            raise InvalidPayloadError([{"pointer": "", "detail": "Only `run` and `stage` belong here."}])
        if not BulkRun.objects.filter(pk=run).exists():
            raise InvalidPayloadError([{"pointer": "/run", "detail": "There is no such run."}])
        return checked


#: No stall timeout: a leg may wait for its canary. Many attempts: each continues where a lost one stopped.
KIND: Final = Kind(
    name=BULK,
    queue="operations",
    queue_dials=QueueDials(statement_timeout_seconds=60),
    handler=run_bulk,
    inspector=BulkInspector(),
    retry_policy=RetryPolicy(max_attempts=20, first_delay_seconds=1, max_delay_seconds=60, max_lost_in_a_row=10),
)
