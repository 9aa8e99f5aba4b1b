"""How long a job waits for what was not there."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import takewhile
from typing import Final

from jobs.models import Attempt
from jobs.states import Outcome

#: Of the first postponement and of the longest. Seconds.
SHORTEST_SECONDS: Final = 10.0
LONGEST_SECONDS: Final = 300.0
#: After so many in a row it does not become longer.
MOST_DOUBLINGS: Final = 5


def postponement(attempt: Attempt) -> timedelta:
    """Twice as long as that of the attempt before, up to five minutes, less up to a fifth: not all come back at once.

    Whatever else became of an earlier attempt begins it anew.
    """
    before = Attempt.objects.filter(job=attempt.job_id, number__lt=attempt.number).order_by("-number")[:MOST_DOUBLINGS]
    times = sum(1 for _ in takewhile(was_postponed, before.only("outcome", "error_message")))
    seconds = min(LONGEST_SECONDS, SHORTEST_SECONDS * 2**times)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.0))  # noqa: S311


def was_postponed(attempt: Attempt) -> bool:
    """Handed back for a reason; a worker that stops has none."""
    return attempt.outcome == Outcome.HANDED_BACK and bool(attempt.error_message)
