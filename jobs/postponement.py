"""How long a job waits for what was not there."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Final

from jobs.models import Job

#: Of the first postponement and of the longest. Seconds.
SHORTEST_SECONDS: Final = 10.0
LONGEST_SECONDS: Final = 300.0


def postponement(job: Job) -> timedelta:
    """Twice as long each time, up to five minutes, less up to a fifth, so that not all come back at once.

    The fencing token counts all attempts, `attempt_count` those that were used up.
    """
    times = max(0, job.fencing_token - job.attempt_count)
    seconds = min(LONGEST_SECONDS, SHORTEST_SECONDS * 2 ** min(times, 16))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.0))  # noqa: S311
