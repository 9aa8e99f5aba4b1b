"""A queue G/G/c, first come first served, job by job: what `jobs.capacity.queueing` is held against."""

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from jobs.capacity.queueing import Traffic

JOBS = 200_000
#: The first ones find an empty queue, and are not counted.
WARM_UP = 10_000

#: Service times with a mean of 1 second.
SERVICES: dict[str, Callable[[random.Random], float]] = {
    "exponential": lambda dice: dice.expovariate(1.0),
    "nearly constant": lambda dice: dice.uniform(0.9, 1.1),
    "heavy": lambda dice: dice.lognormvariate(-math.log(5) / 2, math.sqrt(math.log(5))),  # variance 4
}


@dataclass
class Sample:
    """Gaps between arrivals, and services, in seconds."""

    gaps: list[float]
    services: list[float]

    @cached_property
    def traffic(self) -> Traffic:
        """With the moments of this very sample, so that the formula is not blamed for its luck.

        Floats are exact enough: the fractions of `statistics.pvariance` take longer than the simulation.
        """
        mean = fmean(self.services)
        return Traffic(
            arrivals_per_second=1 / fmean(self.gaps),
            service_seconds=mean,
            service_cv2=fmean((service - mean) ** 2 for service in self.services) / mean**2,
        )


def draw(service: str, *, erlangs: float, seed: int) -> Sample:
    """A Poisson process of jobs that take a second on average."""
    dice = random.Random(seed)
    take = SERVICES[service]
    gaps = [dice.expovariate(erlangs) for _ in range(JOBS)]
    return Sample(gaps, [take(dice) for _ in range(JOBS)])


def simulate(sample: Sample, servers: int) -> tuple[float, float, int]:
    """The mean wait, its 95th percentile, and the 95th percentile of the number that an arrival finds waiting.

    Each job takes the server that is free first (J. Kiefer, J. Wolfowitz, "On the theory of queues with many servers",
    Trans. AMS 78, 1955).
    """
    free_at = [0.0] * servers
    begins: list[float] = []
    waits, numbers = [], []
    now, begun = 0.0, 0
    for number, (gap, service) in enumerate(zip(sample.gaps, sample.services, strict=True)):
        now += gap
        begin = max(now, free_at[0])
        heapq.heapreplace(free_at, begin + service)
        while begun < number and begins[begun] <= now:
            begun += 1
        begins.append(begin)
        waits.append(begin - now)
        numbers.append(number - begun)
    at = round(0.95 * (JOBS - WARM_UP))
    counted = waits[WARM_UP:]
    return fmean(counted), sorted(counted)[at], sorted(numbers[WARM_UP:])[at]
