"""Celery tasks that call named functions. Task names are pinned, so that messages in flight survive a refactoring."""

from typing import Any
from uuid import UUID

import structlog
from celery import Task, shared_task

from jobs.dispatch.release import EXECUTE_JOB
from jobs.errors import AttemptFailedError
from jobs.maintenance.sweeping import PeriodicSweep
from jobs.maintenance.sweeps import SWEEPS
from jobs.schedules.beat_rows import TASK
from jobs.schedules.running import run_for_beat
from jobs.worker import execution

logger = structlog.get_logger(__name__)


class JobTask(Task):  # type: ignore[type-arg]
    """A task that runs an attempt.

    The parent process of the pool explains a lost process (`Request`). A failed attempt gives a failed result without a
    traceback in the log (`throws`), because the attempt stores its traceback.
    """

    Request = "jobs.worker.job_requests:JobRequest"
    throws = (AttemptFailedError,)


@shared_task(name=EXECUTE_JOB, base=JobTask, bind=True)
def execute_job(self: "Task[[str], Any]", job_id: str) -> dict[str, Any]:
    """Run one attempt of a job. Celery's result shows how it ended, but the state of the job is in its row."""
    try:
        pk = UUID(job_id)
    except (ValueError, AttributeError, TypeError):
        logger.warning("message_names_no_job", job_id=repr(job_id)[:100])
        return {"outcome": "names no job"}
    task = self.request
    end = execution.execute_job(pk, worker=task.hostname or "", celery_task_id=task.id or "")
    return end.as_result() if end else {"outcome": "nothing to claim"}


@shared_task(name=TASK, ignore_result=True)
def run_schedule(schedule_id: str) -> str:
    """Run a schedule if it is due. The sweep `run_due_schedules` finds what it misses."""
    try:
        pk = UUID(schedule_id)
    except (ValueError, AttributeError, TypeError):
        logger.warning("message_names_no_schedule", schedule_id=repr(schedule_id)[:100])
        return "names no schedule"
    return run_for_beat(pk)


def _make_task(sweep: PeriodicSweep) -> None:
    @shared_task(name=sweep.task, ignore_result=True)
    def run_sweep() -> int | None:
        return sweep()


for sweep in SWEEPS.values():
    _make_task(sweep)
