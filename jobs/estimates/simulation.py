"""When a place becomes free for a job: each that is free next takes the job whose turn it is.

What runs and what waits may take long or not, so this is played through some times with times out of their past, and
half of the outcomes are earlier than the answer. A mean would be late: with several places, who is quick counts first.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean, median
from typing import Final

#: How often it is played, at least and at most, as long as all games together have about so many turns.
FEWEST_GAMES: Final = 5
MOST_GAMES: Final = 25
TURNS: Final = 1000
#: Turns that are played; what goes before them is divided between the places.
MOST_TURNS: Final = 200


@dataclass(frozen=True)
class Turns:
    """So many jobs, each of which takes one of these times, in seconds."""

    jobs: float
    seconds: Sequence[float]


def seconds_until_free(places: Sequence[Sequence[float]], ahead: Sequence[Turns], *, seed: object) -> float:
    """Seconds until a place is free for a job that others go `ahead` of.

    `places` has, for each of at least one, in how many seconds it may become free. Equal for an equal `seed`.
    """
    jobs = sum(turns.jobs for turns in ahead)
    share = min(1.0, MOST_TURNS / jobs) if jobs else 1.0
    games = max(FEWEST_GAMES, min(MOST_GAMES, round(TURNS / (jobs * share + len(places)))))
    divided = sum(turns.jobs * fmean(turns.seconds) for turns in ahead) * (1 - share) / len(places)
    dice = Random(str(seed))  # noqa: S311
    weights = [turns.jobs for turns in ahead]
    outcomes = []
    for _ in range(games):
        free_in = [dice.choice(times) for times in places]
        heapq.heapify(free_in)
        for turns in dice.choices(ahead, weights, k=round(jobs * share)) if jobs else ():
            heapq.heapreplace(free_in, free_in[0] + dice.choice(turns.seconds))
        outcomes.append(free_in[0])
    return divided + median(outcomes)
