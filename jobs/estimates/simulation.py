"""When a place becomes free for a job: a Monte Carlo simulation in which each free place takes the next job.

Run times are sampled from the past, and the result is the median of several games. Mean run times would give too late a
result: with several places, the quickest job frees the first one.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean, median
from typing import Final

#: The fewest and the most games; in between, all games together have about this many turns.
FEWEST_GAMES: Final = 5
MOST_GAMES: Final = 25
TURNS: Final = 1000
#: The most turns of a game; the run times of the others are divided between the places.
MOST_TURNS: Final = 200


@dataclass(frozen=True)
class Turns:
    """A number of jobs, each of which takes one of these times, in seconds."""

    jobs: float
    seconds: Sequence[float]


def seconds_until_free(places: Sequence[Sequence[float]], ahead: Sequence[Turns], *, seed: object) -> float:
    """Seconds until a place is free for a job that others go `ahead` of.

    `places` has the times in which each place may become free, for at least one. The same `seed` gives the same result.
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
