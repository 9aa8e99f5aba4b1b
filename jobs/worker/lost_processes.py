"""A process of a worker's pool that ended with an attempt in it: what its parent knows, and what it does about it.

The parent sees the end within a second, long before the attempt's lease does. It ends the attempt as `lost` by the same
guarded transition, so that the retry policy goes on at once. The lease stays the fallback: for a worker that was killed
as a whole, or cannot reach PostgreSQL.
"""

from __future__ import annotations

import re
from typing import Final

import structlog
from celery.exceptions import TimeLimitExceeded
from django.db.models import F

from jobs.errors import HardTimeLimitError, LeaseLostError, OutOfMemoryError, WorkerLostError
from jobs.models import Attempt
from jobs.states import State
from jobs.worker.heartbeat import STOPPED_BY_FORCE
from jobs.worker.memory import in_megabytes
from jobs.worker.policy import decide_for
from jobs.worker.transitions import lose_attempt

logger = structlog.get_logger(__name__)

#: What billiard writes of a process that has ended: `human_status` of its exit code.
_STATUS: Final = re.compile(r"exited prematurely: (?:signal (\d+)(?: \((\w+)\))?|exitcode (\d+))")


def end_lost_attempts(*, worker: str, process_id: int, celery_task_id: str, error: WorkerLostError) -> None:
    """End what this process of the worker was running: not always the job of its message, as it may have gone on.

    Raises whatever goes wrong; then the end of the lease is what ends the attempt.
    """
    running = Attempt.objects.filter(
        worker=worker, process_id=process_id, celery_task_id=celery_task_id, outcome="", job__state=State.RUNNING
    )
    for attempt in running.filter(fencing_token=F("job__fencing_token")).select_related("job"):
        end_lost_attempt(attempt, error=error)


def end_lost_attempt(attempt: Attempt, *, error: WorkerLostError) -> None:
    """End one attempt as lost. Nothing changes where the attempt ended before its process.

    Beat hands out its place, and announces the job's end: the parent waits neither for the queue nor for Redis.
    """
    told = with_last_memory(error, attempt)
    try:
        lose_attempt(attempt, error=told, decision=decide_for(attempt.job, error=told), expired_only=False)
    except LeaseLostError:
        return
    logger.warning("process_lost", job_id=str(attempt.job_id), attempt=attempt.number, error=str(told))


def end_of_process(error: BaseException, *, kills: int | None) -> WorkerLostError:
    """What the parent knows of a process that is gone, as the error of its attempt.

    `kills` is how many processes the kernel ended for lack of memory while it ran; None is unknown.
    """
    if isinstance(error, TimeLimitExceeded):
        limit = f"{error.args[0]:g}" if error.args else "?"
        return HardTimeLimitError(
            f"The job reached the hard time limit of {limit} seconds, so its worker process was ended."
        )
    found = _STATUS.search(str(error))
    number, name, code = found.groups() if found else (None, None, None)
    if number is not None:
        first = f"The worker process was ended by signal {number}{f' ({name})' if name else ''}."
    elif code == str(STOPPED_BY_FORCE):
        return WorkerLostError("Longhaul ended the worker process because the job did not stop when told to.")
    else:
        first = f"The worker process ended with exit code {code}." if code else "The worker process ended unexpectedly."
    if name != "SIGKILL" or kills is None:
        return WorkerLostError(first)
    if kills == 0:
        return WorkerLostError(f"{first}\nThe kernel reports no lack of memory, so something else sent the signal.")
    killed = "a process" if kills == 1 else f"{kills} processes"
    return OutOfMemoryError(
        f"{first}\nIt was probably out of memory: the kernel ended {killed} for that reason meanwhile."
    )


def with_last_memory(error: WorkerLostError, attempt: Attempt) -> WorkerLostError:
    """The error, and how much memory the attempt's heartbeat saw last."""
    if not attempt.peak_memory_bytes:
        return error
    first, _, rest = str(error).partition("\n")
    memory = f"It last used {in_megabytes(attempt.peak_memory_bytes)} of memory."
    return type(error)(f"{first}\n{memory} {rest}".rstrip())
