"""The context of a handler."""

import pytest

from jobs.context import JobContext
from jobs.errors import CancelRequestedError, WorkerStoppingError
from jobs.models import Attempt, Job


def test_each_request_to_stop_interrupts_the_call_that_blocks() -> None:
    """The first may come a moment too early, when the call has not begun. Its reason is the one that counts."""
    context = JobContext(Attempt(job=Job(), number=1), lease_seconds=60)
    interrupts: list[int] = []
    with context.interruptible(lambda: interrupts.append(1)):
        context.stop(CancelRequestedError("canceled"))
        context.stop(WorkerStoppingError("stopping"))
        with pytest.raises(CancelRequestedError):
            context.check()
    context.stop(CancelRequestedError("canceled"))
    assert len(interrupts) == 2
