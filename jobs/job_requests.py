"""How the parent of a worker's pool handles a message for a job: as Celery does, and it explains lost processes.

https://docs.celeryq.dev/en/stable/userguide/tasks.html#requests-and-custom-requests
"""

from __future__ import annotations

from typing import Any

from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.worker.request import Request
from django.db import connections

from jobs.lost_processes import end_lost_attempts, end_of_process
from jobs.memory import out_of_memory_kills


class JobRequest(Request):
    """A message for a job, as the parent of the pool sees it."""

    #: Processes that the kernel had ended for lack of memory when the task began.
    _kills_before: int | None = None

    def on_accepted(self, pid: Any, time_accepted: float) -> None:
        """A process of the pool has begun with the task."""
        self._kills_before = out_of_memory_kills()
        super().on_accepted(pid, time_accepted)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """The task failed, or its process ended. The attempt ends first, then Celery writes its own result."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)  # billiard may wrap it with its traceback
        if isinstance(error, (WorkerLostError, TimeLimitExceeded)):
            try:
                lost = end_of_process(error, kills=_difference(self._kills_before, out_of_memory_kills()))
                end_lost_attempts(
                    worker=self.hostname, process_id=int(self.worker_pid or 0), celery_task_id=self.id, error=lost
                )
            finally:
                connections.close_all()  # the parent has no session of its own, which its new children would inherit
        return super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)


def _difference(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else max(0, after - before)
