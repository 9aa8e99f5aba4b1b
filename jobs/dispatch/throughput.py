"""How fast a queue gets on, and what that means for who is refused."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Final

from jobs.dispatch.queue_position import count_ahead
from jobs.errors import AdmissionError
from jobs.models import Job
from jobs.models.queue_conditions import RUNNING_SQL
from jobs.postgres.statements import fetch_all

#: What a refused client is told to wait where nothing is known: the queue is closed, paused, or has never run a job.
UNKNOWN_SECONDS: Final = 30
#: Nobody is sent away for longer. Seconds.
LONGEST_SECONDS: Final = 3600
#: Share of a full queue within which those who were refused are to come back: not all at once.
SPREAD: Final = 0.1
#: As far as jobs are counted.
LONGEST_COUNTED: Final = 10_000

#: What ended in the last day: how many seconds an attempt took, as it was in the last hour, else in that day; and how
#: many ended per second in the last five whole minutes. Reads minutes of `jobs.maintenance.activity`, whatever the
#: number of jobs.
ENDED: Final = """
    ended AS (
        SELECT coalesce(
            sum(seconds) FILTER (WHERE minute >= now() - interval '1 hour')
                / sum(attempts) FILTER (WHERE minute >= now() - interval '1 hour'),
            sum(seconds) / sum(attempts)
        )::float AS seconds_taken,
        sum(attempts) FILTER (
            WHERE minute >= date_trunc('minute', now()) - interval '5 minutes' AND minute < date_trunc('minute', now())
        )::float / 300 AS per_second
        FROM jobs_activity
        WHERE queue = %(queue)s::text AND minute >= now() - interval '1 day' AND outcome <> 'handed_back'
    )
"""

#: What runs now over how long an attempt takes (Little's law); or, where jobs are so short that none is seen, how many
#: ended of late. The greater one: the second is low after a quiet time.
RATE: Final = f"""
    WITH {ENDED} SELECT greatest(
        (SELECT count(*) FROM jobs_job WHERE queue = %(queue)s::text AND {RUNNING_SQL})
            / nullif(seconds_taken, 0),
        per_second
    ) AS rate
    FROM ended, jobs_queue WHERE name = %(queue)s::text AND NOT paused
"""  # noqa: S608


def jobs_per_second(queue: str) -> float | None:
    """How many jobs of `queue` end, so how many may begin; None where that is not known: it is paused, say."""
    for row in fetch_all(RATE, queue=queue):
        return float(row["rate"]) if row["rate"] else None
    return None


def retry_after_refusal(refusal: AdmissionError, *, jitter: Callable[[float, float], float] = random.uniform) -> int:
    """Seconds after which one who was refused may find room. For whoever answers, outside of any transaction.

    A full queue has room for one once a job begins; those who were refused are spread over a tenth of the queue. An
    owner has room once the next of their own jobs begins. How fast one type gets on by itself is not known.
    """
    if refusal.limit is None or refusal.scope == "type":
        return UNKNOWN_SECONDS
    rate = jobs_per_second(refusal.queue)
    if rate is None:
        return UNKNOWN_SECONDS
    spread = max(1.0, SPREAD * refusal.limit)
    begins = _place_of_the_next(refusal) if refusal.scope == "owner" else jitter(1.0, spread)
    return max(1, min(LONGEST_SECONDS, math.ceil(begins / rate)))


def _place_of_the_next(refusal: AdmissionError) -> int:
    waiting = Job.objects.waiting(refusal.queue).filter(owner=refusal.owner_id)
    job = waiting.order_by("-priority", "pk").first()
    return 1 if job is None else 1 + count_ahead(job, at_most=LONGEST_COUNTED)
