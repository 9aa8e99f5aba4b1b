"""Why a queued job waits, in words for its owner that reveal nothing about other owners.

Pure: `jobs.estimates.waiting` reads the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_noop as _

from jobs.models import Job

#: If a job was handed out this long ago and nothing runs, no worker can take it. Seconds.
NO_WORKER_SECONDS: Final = 10.0


@dataclass(frozen=True)
class WaitingReason:
    """`code` is for machines, `detail` for the reader."""

    code: str
    detail: str

    def as_json(self) -> dict[str, str]:
        """As the API shows it."""
        return {"code": self.code, "detail": self.detail}


QUEUE_PAUSED: Final = WaitingReason(
    "queue-paused", _("An administrator has paused this queue. Nothing in it starts until it is resumed.")
)
TYPE_PAUSED: Final = WaitingReason(
    "type-paused", _("An administrator has paused this type. Nothing of it starts until it is resumed.")
)
NO_WORKER: Final = WaitingReason(
    "no-worker", _("No worker is available at the moment. It starts as soon as a worker is back.")
)
WORKERS_BUSY: Final = WaitingReason(
    "workers-busy", _("All workers are busy. It starts as soon as one of them is free.")
)
OWNER_LIMIT: Final = WaitingReason(
    "owner-limit", _("You already have the maximum number running. It starts after one of them has ended.")
)
TYPE_LIMIT: Final = WaitingReason(
    "type-limit", _("The maximum number of this type is already running. It starts after one of them has ended.")
)
QUEUE_LIMIT: Final = WaitingReason(
    "queue-limit", _("The maximum number is already running. It starts when it is its turn.")
)
REASONS: Final = (QUEUE_PAUSED, TYPE_PAUSED, NO_WORKER, WORKERS_BUSY, OWNER_LIMIT, TYPE_LIMIT, QUEUE_LIMIT)


@dataclass(frozen=True)
class Standing:
    """The dials, and the jobs that hold a place, running or handed out. A limit of None is no limit.

    `released_at` is when the job itself was handed out; None if it was not. `oldest_unclaimed`: for how many seconds a
    job has been handed out and not claimed. `is_served`: whether a worker consumes the queue; None if no worker has
    reported.
    """

    released_at: datetime | None
    queue_paused: bool
    type_paused: bool
    max_running: int | None
    max_running_of_type: int | None
    max_running_per_owner: int | None
    running: int
    held: int
    held_of_type: int
    held_of_owner: int
    oldest_unclaimed: float | None
    is_served: bool | None

    @property
    def is_still(self) -> bool:
        """Whether the dials let no job of this type run, whoever owns it."""
        limits = (self.max_running, self.max_running_of_type, self.max_running_per_owner)
        return self.queue_paused or self.type_paused or 0 in limits


def reason_to_wait(job: Job, standing: Standing) -> WaitingReason | None:
    """The first obstacle to a queued job; None if it is about to start, or not due yet."""
    if not job.due:
        return None
    most_of_owner = standing.max_running_per_owner if job.owner_id else None
    if standing.queue_paused or 0 in (standing.max_running, most_of_owner):
        return QUEUE_PAUSED
    if standing.type_paused or standing.max_running_of_type == 0:
        return TYPE_PAUSED
    is_late = (standing.oldest_unclaimed or 0.0) > NO_WORKER_SECONDS
    if not standing.running and (is_late or standing.is_served is False):
        return NO_WORKER
    if standing.released_at is not None:
        return WORKERS_BUSY if is_late else None
    for reason, limit, held in (
        (OWNER_LIMIT, most_of_owner, standing.held_of_owner),
        (TYPE_LIMIT, standing.max_running_of_type, standing.held_of_type),
        (QUEUE_LIMIT, standing.max_running, standing.held),
    ):
        if limit is not None and held >= limit:
            return reason
    return None
