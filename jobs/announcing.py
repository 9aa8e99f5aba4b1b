"""Announces the end of a job, once for each end: to its callback URLs, and by mail to its owner.

This is a transactional outbox: a column of `jobs_job` for each channel says that the end must be announced there. One
transaction resets the column and submits the jobs that deliver the announcement, so each end is announced once, no
matter who does it. The worker that ends a job announces the end at once; a sweep for each channel finds the rest. The
channels do not wait for each other: a closed queue of one keeps nothing of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.db.models import BooleanField, ExpressionWrapper, Q

from jobs.dispatch.mailed import mailed_kinds
from jobs.mailing.queueing import mail_end
from jobs.models import Job
from jobs.models.conditions import CALLS_BACK
from jobs.payloads.redaction import redact
from jobs.postgres.commit import in_transaction
from jobs.webhooks.announcing import submit_deliveries

logger = structlog.get_logger(__name__)

#: How many ends a worker or request announces itself; the sweeps do the rest.
MOST_AT_ONCE: Final = 20


@dataclass(frozen=True)
class Channel:
    """A way to announce ends. `column` is that of the job; `submit` gets the ended job and returns the new jobs."""

    column: str
    submit: Callable[[Job], list[Job]]


CALLBACKS: Final = Channel("calls_back", submit_deliveries)
MAILS: Final = Channel("mails", mail_end)
CHANNELS: Final = (CALLBACKS, MAILS)


def announce_end(job_id: UUID, channel: Channel = CALLBACKS) -> list[Job]:
    """Announce the end of a job in this channel, unless that was done before or nobody asked for it.

    Nothing is submitted for a deactivated owner, whose data must not leave the service any more.

    Raises what `submit_job` raises; the end must then still be announced.
    """

    def announce() -> list[Job]:
        if Job.objects.to_announce(channel.column).filter(pk=job_id).update(**{channel.column: False}) != 1:
            return []
        job = Job.objects.with_result().select_related("owner").get(pk=job_id)
        if job.owner is not None and not job.owner.is_active:
            return []
        return channel.submit(job)

    return in_transaction(announce)


def announce_ends(job_ids: Iterable[UUID]) -> None:
    """Announce the ends of these jobs in all channels, if they have ended. After an error, the sweep retries."""
    for job_id in list(job_ids)[:MOST_AT_ONCE]:
        for channel in CHANNELS:
            try:
                announce_end(job_id, channel)
            except Exception as error:  # the end itself is committed, and the row shows that it must be announced
                logger.warning("announcement_failed", job_id=str(job_id), error=redact(str(error)))


def must_be_announced(job: Job) -> bool:
    """Whether an end of the job has yet to be announced somewhere. No query."""
    return any(getattr(job, channel.column) for channel in CHANNELS)


def announced_again() -> dict[str, Any]:
    """The columns of the channels, for an UPDATE that makes a job end again."""
    kinds = mailed_kinds()
    mails = ExpressionWrapper(Q(kind__in=kinds, owner__isnull=False), BooleanField()) if kinds else False
    return {CALLBACKS.column: CALLS_BACK, MAILS.column: mails}


def announced_as_canceled() -> dict[str, Any]:
    """The same for an UPDATE that cancels a job. There is no mail about canceled jobs."""
    return {CALLBACKS.column: CALLS_BACK, MAILS.column: False}
