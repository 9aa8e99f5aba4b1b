"""A Celery request for jobs: the parent of a worker's pool also records why a process was lost.

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

    #: How many processes the kernel had killed for lack of memory when the task began.
    _kills_before: int | None = None

    def on_accepted(self, pid: Any, time_accepted: float) -> None:
        """A process of the pool has started the task."""
        self._kills_before = out_of_memory_kills()
        super().on_accepted(pid, time_accepted)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """The task failed, or its process ended. First end the attempt, then let Celery write its own result.

        Sessions must be short: the parent handles nothing else meanwhile, and new children would inherit its sessions.
        """
        error = getattr(exc_info.exception, "exc", exc_info.exception)  # billiard may wrap it with its traceback
        with short_sessions_only():
            if isinstance(error, (WorkerLostError, TimeLimitExceeded)):
                self._end_attempts(error)
            return super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """The task reached a time limit; the hard limit calls `on_failure` first, and kills the process afterwards."""
        with short_sessions_only():
            super().on_timeout(soft, timeout)

    def _end_attempts(self, error: BaseException) -> None:
        """End the attempts of a lost process. Raises nothing, so that Celery still acknowledges the message."""
        try:
            before, after = self._kills_before, out_of_memory_kills()
            kills = None if before is None or after is None else max(0, after - before)
            lost, pid = end_of_process(error, kills=kills), int(self.worker_pid or 0)
            end_lost_attempts(worker=self.hostname, process_id=pid, celery_task_id=self.id, error=lost)
        except (DatabaseError, InterfaceError) as problem:
            logger.warning("lost_attempt_left_to_its_lease", celery_task_id=self.id, error=repr(problem))
            self._ignore_result = True  # to write it, Celery would wait for the database in vain several times
        except Exception:
            logger.exception("lost_attempt_left_to_its_lease", celery_task_id=self.id)
