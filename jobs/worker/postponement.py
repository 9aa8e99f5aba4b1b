"""How long a postponed job waits."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import takewhile
from typing import Final

from jobs.models import Attempt
from jobs.states import Outcome

#: The first postponement and the longest, in seconds.
SHORTEST_SECONDS: Final = 10.0
LONGEST_SECONDS: Final = 300.0
#: After this many postponements in a row, the delay stops growing.
MOST_DOUBLINGS: Final = 5


def postponement(attempt: Attempt) -> timedelta:
    """The delay: doubled for each postponement in a row, up to the maximum, minus up to a fifth to spread the jobs."""
    before = Attempt.objects.filter(job=attempt.job_id, number__lt=attempt.number).order_by("-number")[:MOST_DOUBLINGS]
    times = sum(1 for _ in takewhile(was_postponed, before.only("outcome", "error_message")))
    seconds = min(LONGEST_SECONDS, SHORTEST_SECONDS * 2**times)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.0))  # noqa: S311


def was_postponed(attempt: Attempt) -> bool:
    """Whether the attempt was handed back with a message. A stopping worker hands back without one."""
    return attempt.outcome == Outcome.HANDED_BACK and bool(attempt.error_message)
