"""The throughput of a queue, and when a refused client should try again."""

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

#: The wait of a refused client if the throughput is unknown: the queue is closed, paused, or has never run a job.
UNKNOWN_SECONDS: Final = 30
#: The longest wait. Seconds.
LONGEST_SECONDS: Final = 3600
#: Refused clients come back while this share of a full queue begins, and not all at once.
SPREAD: Final = 0.1
#: Jobs ahead of another are counted up to this number.
LONGEST_COUNTED: Final = 10_000

#: Attempts that ended: the mean of their seconds in the last hour, or in the last day if none ended in that hour; and
#: how many ended per second in the last five whole minutes. This reads the minutes of `jobs.maintenance.activity`,
#: whatever the number of jobs.
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

#: The running jobs divided by the length of an attempt (Little's law) or, for jobs too short to be seen running, how
#: many ended recently. The greater one counts: the second is low after a quiet time.
RATE: Final = f"""
    WITH {ENDED} SELECT greatest(
        (SELECT count(*) FROM jobs_job WHERE queue = %(queue)s::text AND {RUNNING_SQL})
            / nullif(seconds_taken, 0),
        per_second
    ) AS rate
    FROM ended, jobs_queue WHERE name = %(queue)s::text AND NOT paused
"""  # noqa: S608


def jobs_per_second(queue: str) -> float | None:
    """How many jobs of `queue` end, and so may begin; None if that is unknown, for instance because it is paused."""
    for row in fetch_all(RATE, queue=queue):
        return float(row["rate"]) if row["rate"] else None
    return None


def retry_after_refusal(refusal: AdmissionError, *, jitter: Callable[[float, float], float] = random.uniform) -> int:
    """Seconds after which a refused client may find room. Call this outside of any transaction.

    A full queue has room once a job begins; refused clients are spread over a tenth of the queue. An owner has room
    once the next of their own jobs begins. The throughput of a single type is unknown.
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
