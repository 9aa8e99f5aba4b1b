"""The INSERT of a job, and whether its turn is now: in one round trip, or within the transaction of the caller."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.backends.utils import CursorWrapper

from jobs.dispatch.admission import TO_BE_LOCKED
from jobs.dispatch.fairness import CONFIRM, LOCK, NEEDS_MESSAGE
from jobs.dispatch.release import send_messages
from jobs.dispatch.statements import COUNT, LOCK_FOR_TURN, LOCK_TO_COUNT, SUBMIT, SUBMIT_WAITING
from jobs.postgres.commit import after_commit
from jobs.postgres.statements import execute, fetch_all, pipeline, planned_again


@dataclass(frozen=True)
class Inserted:
    """The row of SUBMIT: the verdict and, if the job was admitted, what the database has added to it.

    `looks_again`: whether the queue is to be released after the commit. `has_turn`: a place was free then.
    """

    row: dict[str, Any]
    looks_again: bool
    has_turn: bool


def insert_within_transaction(job: dict[str, Any]) -> Inserted | None:
    """Insert the job as one that waits; `job` has the parameters of SUBMIT. None if there is no such queue.

    The queue is not kept locked until the caller commits, unless jobs must be counted.
    """
    rows = fetch_all(SUBMIT, **job)
    if rows and rows[0]["verdict"] == TO_BE_LOCKED:
        with pipeline():
            execute(LOCK, queue=job["queue"])
            execute(COUNT, **job)
            submitted = execute(SUBMIT, **job)
        rows = list(submitted.fetchall())
    if not rows:
        return None
    # "Free" is trusted: release looks again under the queue's lock. "Not free" is not: a place may have become free
    # before this job became visible.
    return Inserted(rows[0], looks_again=True, has_turn=job["due"] and rows[0]["has_place"])


#: The queues whose last order from this process had to wait. The next one then does not try to be handed out at once.
_busy: set[str] = set()
#: The same for queues and types where waiting is limited: jobs of the next order are counted at once.
_limited: set[tuple[str, str]] = set()


def insert_alone(job: dict[str, Any]) -> Inserted | None:
    """Insert and commit the job, and send its message if its turn is now: one round trip, or two if jobs are counted.

    `job` has the parameters of SUBMIT. None if there is no such queue.
    """
    queue = job["queue"]
    inserted = planned_again(partial(_insert_as_before, job))
    if inserted is not None and inserted.row["verdict"] == TO_BE_LOCKED:
        inserted = planned_again(partial(_insert_alone, job, counting=True))
    if inserted is not None:
        has_waited = inserted.row["released_at"] is None and not inserted.looks_again
        (_busy.add if has_waited else _busy.discard)(queue)
        is_limited = any(inserted.row[limit] is not None for limit in ("queue_limit", "owner_limit", "type_limit"))
        (_limited.add if is_limited else _limited.discard)((queue, job["type"]))
    return inserted


def _insert_as_before(job: dict[str, Any]) -> Inserted | None:
    if (job["queue"], job["type"]) in _limited:
        return _insert_alone(job, counting=True)
    return _insert_waiting(job) if job["queue"] in _busy else _insert_alone(job, counting=False)


def _insert_alone(job: dict[str, Any], *, counting: bool) -> Inserted | None:
    unsent = None
    with pipeline() as trip:
        execute(LOCK_TO_COUNT if counting else LOCK_FOR_TURN, queue=job["queue"])
        if counting:
            execute(COUNT, **job)
        submitted = execute(SUBMIT, **job)
        trip.commit()
        confirmed = execute(CONFIRM, queue=job["queue"], since=job["id"])
        trip.commit()
        # The message does not wait until the job is on the disk. If the server fails before, both are gone: the
        # message names no job.
        trip.wait_for_commit()
        rows = submitted.fetchall()
        if any(row["released_at"] is not None for row in rows):
            unsent = send_messages(job["queue"], [job["id"]])
    if unsent:
        after_commit(unsent.take_back)
    return _inserted(rows, confirmed)


def _insert_waiting(job: dict[str, Any]) -> Inserted | None:
    with pipeline() as trip:
        submitted = execute(SUBMIT_WAITING, **job)
        trip.commit()
        confirmed = execute(NEEDS_MESSAGE, queue=job["queue"], since=job["id"])
    return _inserted(submitted.fetchall(), confirmed)


def _inserted(rows: list[dict[str, Any]], confirmed: CursorWrapper) -> Inserted | None:
    has_turn = any(row["answer"] for row in confirmed.fetchall())
    return next((Inserted(row, looks_again=has_turn, has_turn=True) for row in rows), None)
