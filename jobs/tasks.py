"""Celery tasks: doors to named functions. Their names are pinned; messages in flight survive a rename here."""

from uuid import UUID

import structlog
from celery import Task, shared_task

from jobs import execution, sweeps  # noqa: F401  (registers the sweeps)
from jobs.release import EXECUTE_JOB
from jobs.sweeping import SWEEPS

logger = structlog.get_logger(__name__)


class JobTask(Task):  # type: ignore[type-arg]
    """A task whose process is missed by the parent of the pool."""

    Request = "jobs.job_requests:JobRequest"


@shared_task(name=EXECUTE_JOB, base=JobTask, bind=True)
def execute_job(self: "Task[[str], None]", job_id: str) -> None:
    """Run one attempt of a job."""
    try:
        pk = UUID(job_id)
    except (ValueError, AttributeError, TypeError):
        logger.warning("message_names_no_job", job_id=repr(job_id)[:100])
        return
    execution.execute_job(pk, worker=self.request.hostname or "", celery_task_id=self.request.id or "")


for name, run in SWEEPS.items():
    shared_task(name=f"jobs.{name}", ignore_result=True)(run)
