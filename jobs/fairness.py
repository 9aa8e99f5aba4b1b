"""Whose turn it is: due jobs by priority, then round-robin between owners, then the oldest.

The owners of a queue stand in a ring, in the order of their ids; each round gives one job to each, going on
behind the one whose turn was last. So an owner with 100,000 waiting jobs delays another's first by one.

Whatever waits, the cost is that of the jobs picked: the ring is walked by hopping from owner to owner in the
index `jobs_job_waiting` (a loose index scan, https://wiki.postgresql.org/wiki/Loose_indexscan).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from jobs.models import Job, Queue

#: Stands for jobs without an owner, as in the index.
NOBODY: Final = 0
#: Above any priority, a 16-bit integer.
ABOVE_ALL: Final = 2**15

WAITING: Final = "queue = %(queue)s AND state = 'queued' AND released_at IS NULL AND due"

OCCUPIED = """
    SELECT coalesce(owner, 0), count(*) FROM (
        SELECT owner FROM jobs_job WHERE queue = %(queue)s AND state = 'running'
        UNION ALL
        SELECT owner FROM jobs_job WHERE queue = %(queue)s AND state = 'queued' AND released_at IS NOT NULL
    ) AS occupying GROUP BY 1
"""

HIGHEST_PRIORITY = f"""
    SELECT priority FROM jobs_job WHERE {WAITING} AND priority < %(below)s ORDER BY priority DESC LIMIT 1
"""  # noqa: S608

NEXT_OWNERS = f"""
    WITH RECURSIVE ring (owner) AS (
        (SELECT coalesce(owner, 0) FROM jobs_job
         WHERE {WAITING} AND priority = %(priority)s AND coalesce(owner, 0) > %(after)s
         ORDER BY coalesce(owner, 0) LIMIT 1)
        UNION ALL
        SELECT (SELECT coalesce(job.owner, 0) FROM jobs_job AS job
                WHERE {WAITING} AND priority = %(priority)s AND coalesce(job.owner, 0) > ring.owner
                ORDER BY coalesce(job.owner, 0) LIMIT 1)
        FROM ring WHERE ring.owner IS NOT NULL
    )
    SELECT owner FROM ring WHERE owner <= %(until)s AND owner <> ALL(%(full)s) LIMIT %(at_most)s
"""  # noqa: S608

JOBS_IN_ROUNDS = f"""
    SELECT job.id, ring.owner
    FROM unnest(%(owners)s::bigint[], %(allowances)s::int[]) WITH ORDINALITY AS ring (owner, allowance, place)
    CROSS JOIN LATERAL (
        SELECT id, row_number() OVER (ORDER BY id) AS round FROM (
            SELECT id FROM jobs_job
            WHERE {WAITING} AND priority = %(priority)s AND coalesce(owner, 0) = ring.owner
            ORDER BY id LIMIT ring.allowance
        ) AS oldest
    ) AS job
    ORDER BY job.round, ring.place LIMIT %(at_most)s
"""  # noqa: S608


@dataclass(frozen=True)
class Turn:
    """A job that may be handed out, and its owner's place in the ring."""

    job_id: UUID
    owner: int


def next_turns(dials: Queue, *, at_most: int) -> list[Turn]:
    """The jobs of the queue whose turn is next: as many as may run beside those that hold a place.

    Call it with the queue's row locked, so that two callers never pick the same.
    """
    occupied: dict[int, int] = dict(_rows(OCCUPIED, queue=dials.name))
    if dials.max_running is not None:
        at_most = min(at_most, dials.max_running - sum(occupied.values()))
    turns: list[Turn] = []
    below = ABOVE_ALL
    while len(turns) < at_most:
        highest = list(_rows(HIGHEST_PRIORITY, queue=dials.name, below=below))
        if not highest:
            break
        [(below,)] = highest
        found = _turns_at(dials, below, occupied, at_most - len(turns), after=turns[-1].owner if turns else None)
        for turn in found:
            occupied[turn.owner] = occupied.get(turn.owner, 0) + 1
        turns += found
    return turns


def _turns_at(dials: Queue, priority: int, occupied: dict[int, int], at_most: int, *, after: int | None) -> list[Turn]:
    limit = dials.max_running_per_owner
    full = [owner for owner, jobs in occupied.items() if owner != NOBODY and limit is not None and jobs >= limit]
    last = dials.last_owner if after is None else after
    which = {"queue": dials.name, "priority": priority, "full": full}
    owners = [row[0] for row in _rows(NEXT_OWNERS, **which, after=last, until=2**63 - 1, at_most=at_most)]
    if len(owners) < at_most:
        more = _rows(NEXT_OWNERS, **which, after=NOBODY - 1, until=last, at_most=at_most - len(owners))
        owners += [row[0] for row in more]
    allowances = [
        at_most if limit is None or owner == NOBODY else min(at_most, limit - occupied.get(owner, 0))
        for owner in owners
    ]
    rows = _rows(JOBS_IN_ROUNDS, **which, owners=owners, allowances=allowances, at_most=at_most)
    return [Turn(job_id, owner) for job_id, owner in rows]


def count_ahead(job: Job, *, at_most: int) -> int:
    """How many waiting jobs have their turn before that of `job`, if nothing changes; counted up to `at_most`.

    In each of the rounds until its own, every other owner of that priority has a turn; where the round
    begins is not looked at, so it may be one less for each owner.
    """
    waiting = Job.objects.waiting(job.queue)
    higher = waiting.filter(priority__gt=job.priority)[:at_most].count()
    if higher == at_most:
        return higher
    same = waiting.filter(priority=job.priority)
    own = same.filter(owner=job.owner_id, pk__lt=job.pk)[: at_most - higher].count()
    others = _count_of_others(job, rounds=own + 1, at_most=at_most - higher - own)
    return higher + own + others


def _count_of_others(job: Job, *, rounds: int, at_most: int) -> int:
    mine = job.owner_id or NOBODY
    which = {"queue": job.queue, "priority": job.priority, "full": [mine]}
    owners = [row[0] for row in _rows(NEXT_OWNERS, **which, after=NOBODY - 1, until=2**63 - 1, at_most=at_most)]
    allowances = [rounds] * len(owners)
    return sum(1 for _ in _rows(JOBS_IN_ROUNDS, **which, owners=owners, allowances=allowances, at_most=at_most))


def _rows(sql: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        yield from cursor.fetchall()
