"""Reads of the job table, named."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models.functions import Now

from jobs.states import State

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from jobs.models import Job


class JobQuerySet(models.QuerySet["Job"]):
    """All times are compared in database time: workers' clocks may stand still or differ."""

    def owned_by(self, user: AbstractBaseUser) -> JobQuerySet:
        """The jobs that `user` may see."""
        return self.filter(owner=user.pk)

    def with_result(self) -> JobQuerySet:
        """Also fetch the published result, for `Job.result_artifact`; one query for all jobs."""
        from jobs.models import Artifact

        results = Artifact.objects.filter(role=Artifact.Role.RESULT, published_at__isnull=False)
        return self.prefetch_related(models.Prefetch("artifacts", results, to_attr="results"))

    def waiting(self, queue: str) -> JobQuerySet:
        """Queued jobs of `queue` that may be handed out now, in the order of their turn."""
        due = models.Q(scheduled_at=None) | models.Q(scheduled_at__lte=Now())
        return self.filter(due, queue=queue, state=State.QUEUED, released_at=None).order_by("-priority", "id")

    def occupying(self, queue: str) -> JobQuerySet:
        """Jobs that use one of the queue's running places: handed out, or running."""
        handed_out = models.Q(state=State.QUEUED, released_at__isnull=False)
        return self.filter(handed_out | models.Q(state=State.RUNNING), queue=queue)

    def ahead_of(self, job: Job) -> JobQuerySet:
        """Jobs of the same queue whose turn comes before that of `job`."""
        earlier = models.Q(priority__gt=job.priority) | models.Q(priority=job.priority, id__lt=job.id)
        return self.waiting(job.queue).filter(earlier)

    def lost_by_redis(self, *, seconds: int) -> JobQuerySet:
        """Jobs handed to Celery at least `seconds` ago that no worker has claimed."""
        return self.filter(state=State.QUEUED, released_at__lt=Now() - timedelta(seconds=seconds))

    def orphaned(self) -> JobQuerySet:
        """Running jobs whose lease has expired: their worker vanished."""
        return self.filter(state=State.RUNNING, lease_expires_at__lt=Now())

    def due_for_retry(self) -> JobQuerySet:
        """Failed jobs whose backoff is over."""
        return self.filter(state=State.FAILED, retry_at__lte=Now())

    def held_by(self, job_id: UUID, fencing_token: int) -> JobQuerySet:
        """The job while the attempt with this fencing token runs it: one row or none."""
        return self.filter(pk=job_id, state=State.RUNNING, fencing_token=fencing_token)
