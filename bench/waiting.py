"""How benchmarks wait for what they do not time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from bench.measuring import WrongWorkError
from jobs.models import Job
from jobs.states import State

T = TypeVar("T")

#: Servers and workers start within this time.
START_SECONDS: Final = 60.0
#: Between two questions, which take time from the processes that they ask about.
POLL_SECONDS: Final = 0.1


def wait_until(condition: Callable[[], T], *, seconds: float = START_SECONDS, otherwise: str) -> T:
    """Ask until the answer is truthy, and return it. Raises WrongWorkError, which says `otherwise`, if it never is."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise WrongWorkError(otherwise)
        time.sleep(POLL_SECONDS)
    return answer


def wait_for_end(job: Job, *, seconds: float) -> Job:
    """The job, once it has ended. Raises WrongWorkError if it does not end."""
    states = Job.objects.filter(pk=job.pk).values_list("state", flat=True)
    wait_until(
        lambda: states.get() not in (State.QUEUED, State.RUNNING),
        seconds=seconds,
        otherwise=f"the job has not ended within {seconds} s",
    )
    return Job.objects.get(pk=job.pk)
