"""How the parent of a worker's pool handles a message for a job: as Celery does, and it explains lost processes.

https://docs.celeryq.dev/en/stable/userguide/tasks.html#requests-and-custom-requests
"""

from __future__ import annotations

from typing import Any

import structlog
from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.worker.request import Request
from django.db import DatabaseError, InterfaceError

from jobs.postgres.sessions import short_sessions_only
from jobs.worker.lost_processes import end_lost_attempts, end_of_process
from jobs.worker.memory import out_of_memory_kills

logger = structlog.get_logger(__name__)


class JobRequest(Request):
    """A message for a job, as the parent of the pool sees it."""

    #: Processes that the kernel had ended for lack of memory when the task began.
    _kills_before: int | None = None

    def on_accepted(self, pid: Any, time_accepted: float) -> None:
        """A process of the pool has begun with the task."""
        self._kills_before = out_of_memory_kills()
        super().on_accepted(pid, time_accepted)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """The task failed, or its process ended. The attempt ends first, then Celery writes its own result.

        The parent handles nothing else meanwhile, and its new children would inherit its sessions: it only glances.
        """
        error = getattr(exc_info.exception, "exc", exc_info.exception)  # billiard may wrap it with its traceback
        with short_sessions_only():
            if isinstance(error, (WorkerLostError, TimeLimitExceeded)):
                self._explain(error)
            return super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """The task has reached a time limit: the hard one after `on_failure`, and before its process is killed."""
        with short_sessions_only():
            super().on_timeout(soft, timeout)

    def _explain(self, error: BaseException) -> None:
        """End the attempt. Raises nothing: without Celery's own part the message would never be acknowledged."""
        try:
            lost = end_of_process(error, kills=_difference(self._kills_before, out_of_memory_kills()))
            end_lost_attempts(
                worker=self.hostname, process_id=int(self.worker_pid or 0), celery_task_id=self.id, error=lost
            )
        except (DatabaseError, InterfaceError) as problem:
            logger.warning("lost_attempt_left_to_its_lease", celery_task_id=self.id, error=repr(problem))
            self._ignore_result = True  # to write it, Celery would wait in vain several times
        except Exception:
            logger.exception("lost_attempt_left_to_its_lease", celery_task_id=self.id)


def _difference(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else max(0, after - before)
