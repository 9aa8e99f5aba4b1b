"""Why a queued job waits, in words for its owner: they say nothing of other owners.

Pure: `jobs.estimates.waiting` reads the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jobs.models import Job

#: A job that was handed out so long ago, while nothing runs, has no worker that could take it. Seconds.
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
    "queue-paused", "An administrator has paused this queue. Nothing in it starts until it is resumed."
)
TYPE_PAUSED: Final = WaitingReason(
    "type-paused", "An administrator has paused this type. Nothing of it starts until it is resumed."
)
NO_WORKER: Final = WaitingReason(
    "no-worker", "No worker is available at the moment. It starts as soon as a worker is back."
)
WORKERS_BUSY: Final = WaitingReason("workers-busy", "All workers are busy. It starts as soon as one of them is free.")
OWNER_LIMIT: Final = WaitingReason(
    "owner-limit", "You have as many running as you may have at once. It starts after one of them has ended."
)
TYPE_LIMIT: Final = WaitingReason(
    "type-limit", "As many of this type are running as may run at once. It starts after one of them has ended."
)
QUEUE_LIMIT: Final = WaitingReason(
    "queue-limit", "As many are running as may run at once. It starts when it is its turn."
)
REASONS: Final = (QUEUE_PAUSED, TYPE_PAUSED, NO_WORKER, WORKERS_BUSY, OWNER_LIMIT, TYPE_LIMIT, QUEUE_LIMIT)


@dataclass(frozen=True)
class Standing:
    """What the dials say, and who holds a place: running or handed out. An empty limit is no limit.

    `released_at` is when the job itself was handed out; None if it was not.
    `oldest_unclaimed` is for how long a job was handed out that no worker has taken, in seconds. `is_served` says
    whether a worker consumes the queue; None where no worker has told.
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
        """Whether the dials let nothing of this type run, for anybody."""
        limits = (self.max_running, self.max_running_of_type, self.max_running_per_owner)
        return self.queue_paused or self.type_paused or 0 in limits


def reason_to_wait(job: Job, standing: Standing) -> WaitingReason | None:
    """The first thing in the way of a queued job; None where it is about to start, or not due yet."""
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
