"""How fast a queue gets on, and how long that lets one wait."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser

from jobs.errors import AdmissionError
from jobs.fairness import count_ahead
from jobs.models import Job
from jobs.statements import run

#: What a refused client is told to wait where nothing is known: the queue is closed, paused, or has never run a job.
UNKNOWN_SECONDS: Final = 30
#: Nobody is sent away for longer. Seconds.
LONGEST_SECONDS: Final = 3600
#: Share of a full queue within which those who were refused are to come back: not all at once.
SPREAD: Final = 0.1
#: As far as jobs are counted.
LONGEST_COUNTED: Final = 10_000

#: What runs now over how long an attempt takes (Little's law), as it was in the last hour, else in the last day; or,
#: where jobs are so short that none is seen, how many ended in the last five whole minutes. The greater one: the
#: second is low after a quiet time. Reads minutes of `jobs.activity`, whatever the number of jobs.
RATE: Final = """
    WITH ended AS MATERIALIZED (
        SELECT minute, attempts, seconds FROM jobs_activity
        WHERE queue = %(queue)s::text AND minute >= now() - interval '1 day' AND outcome <> 'handed_back'
    ), taken AS (
        SELECT coalesce(
            (SELECT sum(seconds) / sum(attempts) FROM ended WHERE minute >= now() - interval '1 hour'),
            (SELECT sum(seconds) / sum(attempts) FROM ended)
        ) AS seconds
    )
    SELECT greatest(
        (SELECT count(*) FROM jobs_job WHERE queue = %(queue)s::text AND state = 'running')
            / nullif((SELECT seconds FROM taken), 0),
        (SELECT sum(attempts) / 300.0 FROM ended
         WHERE minute >= date_trunc('minute', now()) - interval '5 minutes' AND minute < date_trunc('minute', now()))
    ) AS rate
    FROM jobs_queue WHERE name = %(queue)s::text AND NOT paused
    AND NOT EXISTS (SELECT FROM jobs_typedials WHERE kind = %(kind)s::text AND type = %(type)s::text AND paused)
"""


def jobs_per_second(queue: str, *, kind: str = "", type: str = "") -> float | None:  # noqa: A002
    """How many jobs of `queue` end, so how many may begin; None where that is not known: it, or the type, is paused."""
    for row in run(RATE, queue=queue, kind=kind, type=type):
        return float(row["rate"]) if row["rate"] else None
    return None


def expected_wait(job: Job, place: int) -> int | None:
    """Seconds until the job, which is in this place of its queue (1 is next), begins; None where nobody knows."""
    rate = jobs_per_second(job.queue, kind=job.kind, type=job.type)
    return None if rate is None else math.ceil(place / rate)


def retry_after_refusal(
    refusal: AdmissionError,
    *,
    queue: str,
    owner: AbstractBaseUser | None,
    jitter: Callable[[float, float], float] = random.uniform,
) -> int:
    """Seconds after which one who was refused may find room.

    A full queue has room for one once a job begins; those who were refused are spread over a tenth of the queue. An
    owner has room once the next of their own jobs begins. How fast one type gets on by itself is not known.
    """
    if refusal.limit is None or refusal.of_type:
        return UNKNOWN_SECONDS
    rate = jobs_per_second(queue)
    if rate is None:
        return UNKNOWN_SECONDS
    spread = max(1.0, SPREAD * refusal.limit)
    begins = _place_of_the_next(queue, owner) if refusal.is_owners else jitter(1.0, spread)
    return max(1, min(LONGEST_SECONDS, math.ceil(begins / rate)))


def _place_of_the_next(queue: str, owner: AbstractBaseUser | None) -> int:
    waiting = Job.objects.waiting(queue).filter(owner=None if owner is None else owner.pk)
    job = waiting.order_by("-priority", "pk").first()
    return 1 if job is None else 1 + count_ahead(job, at_most=LONGEST_COUNTED)
