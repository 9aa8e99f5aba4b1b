"""End the attempts of a worker's pool process that ended while it ran them. The pool's parent process does this.

The parent notices within a second, long before the lease expires. It ends the attempt as `lost` by the same guarded
transition, so that the retry policy applies at once. The lease is the fallback, for a worker that was killed as a whole
or cannot reach PostgreSQL.
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

#: How billiard describes the end of a process: `human_status` of its exit code.
_STATUS: Final = re.compile(r"exited prematurely: (?:signal (\d+)(?: \((\w+)\))?|exitcode (\d+))")


def end_lost_attempts(*, worker: str, process_id: int, celery_task_id: str, error: WorkerLostError) -> None:
    """End the attempts of this process as lost: not only the job of its message, as it may have claimed further jobs.

    Beat hands out their places and announces the jobs' ends, so the parent waits neither for the queue nor for Redis.
    Raises any error; the attempt then ends when its lease expires.
    """
    running = Attempt.objects.filter(
        worker=worker, process_id=process_id, celery_task_id=celery_task_id, outcome="", job__state=State.RUNNING
    )
    for attempt in running.filter(fencing_token=F("job__fencing_token")).select_related("job"):
        lost = with_last_memory(error, attempt)
        try:
            lose_attempt(attempt, error=lost, decision=decide_for(attempt.job, error=lost), expired_only=False)
        except LeaseLostError:  # the attempt ended before its process
            continue
        logger.warning("process_lost", job_id=str(attempt.job_id), attempt=attempt.number, error=str(lost))


def end_of_process(error: BaseException, *, kills: int | None) -> WorkerLostError:
    """The error of the attempt whose process ended.

    `kills` is how many processes the kernel killed for lack of memory while it ran; None if that is unknown.
    """
    if isinstance(error, TimeLimitExceeded):
        limit = f"{error.args[0]:g}" if error.args else "?"
        return HardTimeLimitError(f"The job reached the hard time limit of {limit} seconds. Its process was killed.")
    found = _STATUS.search(str(error))
    number, name, code = found.groups() if found else (None, None, None)
    if number is not None:
        first = f"The worker process was killed by signal {number}{f' ({name})' if name else ''}."
    elif code == str(STOPPED_BY_FORCE):
        return WorkerLostError("Longhaul ended the worker process because the job did not stop when told to.")
    else:
        first = f"The worker process ended with exit code {code}." if code else "The worker process ended unexpectedly."
    if name != "SIGKILL" or kills is None:
        return WorkerLostError(first)
    if kills == 0:
        return WorkerLostError(f"{first}\nThe kernel's OOM killer did not act: something else sent the signal.")
    killed = "a process" if kills == 1 else f"{kills} processes"
    return OutOfMemoryError(f"{first}\nIt probably ran out of memory: the kernel killed {killed} for lack of memory.")


def with_last_memory(error: WorkerLostError, attempt: Attempt) -> WorkerLostError:
    """The error with the memory that the attempt's heartbeat measured last added to its text."""
    if not attempt.peak_memory_bytes:
        return error
    first, _, rest = str(error).partition("\n")
    memory = f"It last used {in_megabytes(attempt.peak_memory_bytes)} of memory."
    return type(error)(f"{first}\n{memory} {rest}".rstrip())
