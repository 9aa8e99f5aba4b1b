"""Bulk runs, a leg at a time, in this process."""

from typing import Any

from django.contrib.auth.models import User
from django.db.models.functions import Now

from jobs.bulk.kind import run_bulk
from jobs.bulk.steering import order_run
from jobs.context import JobContext
from jobs.models import Job
from jobs.models.bulk import BulkRun
from jobs.states import State
from jobs.worker.transitions import claim_job


def order(actor: User, **options: Any) -> BulkRun:
    """Order that all dead jobs are requeued, unless told otherwise."""
    usual = {"act": BulkRun.Act.REQUEUE, "criteria": {"state": "dead"}, "reason": "fixed", "jobs_per_second": 1000}
    return order_run(**{**usual, "actor": actor, **options})


def context_of(job: Job) -> JobContext:
    """Release the job and claim it, as a worker would."""
    Job.objects.filter(pk=job.pk).update(released_at=Now())
    attempt = claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    return JobContext(attempt, lease_seconds=60)


def leg(run: BulkRun) -> None:
    """Do what a worker would with the one leg that waits."""
    context = context_of(Job.objects.get(kind="bulk", state=State.QUEUED))
    Job.objects.filter(pk=context.job.pk).update(state=State.SUCCEEDED)
    run_bulk(context)
    run.refresh_from_db()


def outcomes(run: BulkRun) -> list[str]:
    """What became of its jobs, in alphabetical order."""
    return sorted(run.items.values_list("outcome", flat=True))
