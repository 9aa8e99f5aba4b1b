"""The waiting jobs of a queue as a process remembers them, for at most a second.

Many clients poll the places of their jobs in the same queue. Each place by a statement of its own reads the whole queue
(`jobs.dispatch.queue_position`), so the waiting jobs are read once a second, and places are counted from memory. So are
the places of orders that come fast: those of this process are noted, those of others may be missing for a second.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any, Final
from uuid import UUID

from jobs.dispatch.fairness import WAITING
from jobs.dispatch.queue_position import FEW, Ahead
from jobs.models import Job
from jobs.postgres.statements import fetch_all

#: How long the waiting jobs of a queue are remembered. Seconds.
REMEMBERED_SECONDS: Final = 1.0

#: With the ids of each group in their order. Empty if more than `few` jobs wait.
GROUPS: Final = f"""
    WITH few AS (SELECT id, kind, type, priority, owner FROM jobs_job WHERE {WAITING} LIMIT %(few)s::int + 1)
    SELECT kind, type, few.priority, coalesce(few.owner, 0) AS owner, paused IS true AS is_paused,
        array_agg(few.id ORDER BY few.id) AS ids
    FROM few LEFT JOIN jobs_typedials USING (kind, type)
    WHERE (SELECT count(*) FROM few) <= %(few)s::int
    GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608

#: The kind, the type, whether that is paused, and the ids of some waiting jobs, oldest first.
Group = tuple[str, str, bool, list[UUID]]


class RememberedQueue:
    """The waiting jobs of a queue at one moment, by priority and owner; owner 0 is nobody."""

    def __init__(self, queue: str) -> None:
        """One query."""
        self.read_at = time.monotonic()
        #: What the reader of the places has read about the types ahead, by (kind, type).
        self.past: dict[tuple[str, str], Any] = {}
        self._groups: dict[int, dict[int, list[Group]]] = {}
        for row in fetch_all(GROUPS, queue=queue, few=FEW):
            group = (row["kind"], row["type"], row["is_paused"], row["ids"])
            self._groups.setdefault(row["priority"], {}).setdefault(row["owner"], []).append(group)

    @property
    def is_known(self) -> bool:
        """False if nothing waits, or more than a few jobs."""
        return bool(self._groups)

    def note(self, job: Job) -> None:
        """A job that has come to wait since."""
        if not self.is_known:
            return
        owners = self._groups.get(job.priority, {})
        groups = owners.get(job.owner_id or 0, [])
        for kind, type_, _, ids in groups:
            if (kind, type_) == (job.kind, job.type):
                insort(ids, job.pk)
                return
        # A reader in another thread keeps what it reads.
        owners = {**owners, job.owner_id or 0: [*groups, (job.kind, job.type, False, [job.pk])]}
        self._groups = {**self._groups, job.priority: owners}

    def find_ahead(self, job: Job) -> list[Ahead]:
        """What `jobs.dispatch.queue_position.find_ahead` returns for a waiting job, by the same rules."""
        owner = job.owner_id or 0
        level = self._groups.get(job.priority, {})
        ahead: Counter[tuple[str, str, bool]] = Counter()
        for priority, owners in self._groups.items():
            if priority > job.priority:
                for other, groups in owners.items():
                    for kind, type_, _, ids in _passable(groups, job):
                        ahead[kind, type_, other == owner] += len(ids)
        before = 0
        for kind, type_, _, ids in _passable(level.get(owner, []), job):
            older = bisect_left(ids, job.pk)
            before += older
            ahead[kind, type_, True] += older
        for other, groups in level.items():
            if other != owner:
                for kind, type_, number in _first(list(_passable(groups, job)), before + 1):
                    ahead[kind, type_, False] += number
        return [Ahead(*key, number) for key, number in ahead.items() if number]


def _passable(groups: list[Group], job: Job) -> Iterator[Group]:
    """Paused types are passed over, except for the job's own."""
    return (group for group in groups if not group[2] or group[1] == job.type)


def _first(groups: list[Group], number: int) -> Iterator[tuple[str, str, int]]:
    """How many of the oldest `number` jobs of an owner are of each type."""
    if len(groups) == 1 or sum(len(group[3]) for group in groups) <= number:
        yield from ((kind, type_, min(len(ids), number)) for kind, type_, _, ids in groups)
        return
    for kind, type_, _ in (one[1] for one in islice(_in_turn(groups), number)):
        yield kind, type_, 1


def _in_turn(groups: list[Group]) -> Iterator[tuple[UUID, tuple[str, str, bool]]]:
    return merge(*([(pk, (kind, type_, paused)) for pk in ids] for kind, type_, paused, ids in groups))


_lock = threading.Lock()
_remembered: dict[str, RememberedQueue] = {}
#: When an order last asked for its place, by queue.
_ordered_at: dict[str, float] = {}


def remembered_queue(queue: str) -> RememberedQueue:
    """The waiting jobs of a queue, at most REMEMBERED_SECONDS old. One query if they are older.

    While a thread reads them, the others wait for it: they would read the same.
    """
    known = _remembered.get(queue)
    if known is None or _is_old(known):
        with _lock:
            known = _remembered.get(queue)
            if known is None or _is_old(known):
                known = _remembered[queue] = RememberedQueue(queue)
    return known


def remembered_for_order(queue: str) -> RememberedQueue | None:
    """The same for an order, if this saves queries: they are remembered, or the last order came within a second."""
    now = time.monotonic()
    last = _ordered_at.get(queue)
    _ordered_at[queue] = now
    if last is None or now - last >= REMEMBERED_SECONDS:
        known = _remembered.get(queue)
        return None if known is None or _is_old(known) else known
    return remembered_queue(queue)


def note_waiting(job: Job) -> None:
    """Count a new job of this process among those that wait, where they are remembered."""
    known = _remembered.get(job.queue)
    if known is not None:
        with _lock:
            known.note(job)


def forget_queues() -> None:
    """Read all queues again when they are needed next."""
    _remembered.clear()
    _ordered_at.clear()


def _is_old(known: RememberedQueue) -> bool:
    return time.monotonic() - known.read_at >= REMEMBERED_SECONDS
