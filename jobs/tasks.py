"""Celery tasks: doors to named functions. Their names are pinned; messages in flight survive a rename here."""

from uuid import UUID

from celery import Task, shared_task

from jobs import execution, sweeps
from jobs.release import EXECUTE_JOB


@shared_task(name=EXECUTE_JOB, bind=True)
def execute_job(self: "Task[[str], None]", job_id: str) -> None:
    """Run one attempt of a job."""
    execution.execute_job(UUID(job_id), worker=self.request.hostname or "", celery_task_id=self.request.id or "")


@shared_task(name="jobs.release_due_jobs", ignore_result=True)
def release_due_jobs() -> None:
    """Tick of the sweep of that name."""
    sweeps.release_due_jobs()


@shared_task(name="jobs.republish_lost_jobs", ignore_result=True)
def republish_lost_jobs() -> None:
    """Tick of the sweep of that name."""
    sweeps.republish_lost_jobs()


@shared_task(name="jobs.retry_failed_jobs", ignore_result=True)
def retry_failed_jobs() -> None:
    """Tick of the sweep of that name."""
    sweeps.retry_failed_jobs()


@shared_task(name="jobs.rescue_orphaned_jobs", ignore_result=True)
def rescue_orphaned_jobs() -> None:
    """Tick of the sweep of that name."""
    sweeps.rescue_orphaned_jobs()


@shared_task(name="jobs.expire_artifacts", ignore_result=True)
def expire_artifacts() -> None:
    """Tick of the sweep of that name."""
    sweeps.expire_artifacts()
