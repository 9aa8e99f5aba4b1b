"""Named queries of the job table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models.functions import Now

from jobs.models.queue_conditions import HANDED_OUT, QUEUED, RUNNING, SCHEDULED, WAITING
from jobs.states import State

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from jobs.models import Job  # noqa: F401  (the string below names it)


class JobQuerySet(models.QuerySet["Job"]):
    """All times are compared with the database's clock, because clocks of workers may differ or stand still."""

    def owned_by(self, user: AbstractBaseUser) -> JobQuerySet:
        """The jobs that `user` may see."""
        return self.filter(owner=user.pk)

    def with_result(self) -> JobQuerySet:
        """Also fetch the published results, for `Job.result_artifact`; one query for all jobs."""
        from jobs.models.artifact import PUBLISHED_RESULT, Artifact

        results = Artifact.objects.filter(PUBLISHED_RESULT)
        return self.prefetch_related(models.Prefetch("artifacts", results, to_attr="results"))

    def waiting(self, queue: str) -> JobQuerySet:
        """Queued jobs of `queue` that may be handed out now. `jobs.dispatch.fairness` chooses among them."""
        return self.filter(WAITING, queue=queue)

    def queued(self, queue: str) -> JobQuerySet:
        """All queued jobs of `queue`: waiting, scheduled for later, or handed out but not yet claimed."""
        return self.filter(QUEUED, queue=queue)

    def scheduled_until_now(self) -> JobQuerySet:
        """Queued jobs whose `scheduled_at` has passed, but which are not marked as due yet."""
        return self.filter(SCHEDULED, scheduled_at__lte=Now()).order_by("scheduled_at")

    def lost_by_redis(self, *, seconds: int) -> JobQuerySet:
        """Jobs handed to Celery that no worker has claimed, and for which no message was sent for `seconds`."""
        long_ago = Now() - timedelta(seconds=seconds)
        return self.filter(HANDED_OUT, released_at__lt=long_ago, updated_at__lt=long_ago)

    def to_announce(self, column: str) -> JobQuerySet:
        """Ended jobs whose end must still be announced, by the column of a channel (`jobs.announcing`).

        The condition is that of the index `jobs_job_to_announce` or `jobs_job_to_mail`.
        """
        return self.filter(**{column: True}, finished_at__isnull=False)

    def overdue(self) -> JobQuerySet:
        """Failed jobs whose retry is late because the sweep does not run."""
        return self.filter(state=State.FAILED, retry_at__lt=Now() - timedelta(minutes=1))

    def orphaned(self) -> JobQuerySet:
        """Running jobs whose lease has expired because their worker is gone."""
        return self.filter(RUNNING, lease_expires_at__lt=Now())

    def due_for_retry(self) -> JobQuerySet:
        """Failed jobs whose backoff is over."""
        return self.filter(state=State.FAILED, retry_at__lte=Now()).order_by("retry_at")

    def ended_for(self, *, days: int) -> JobQuerySet:
        """Succeeded and canceled jobs that ended at least `days` ago. Dead jobs wait for a person."""
        over = (State.SUCCEEDED, State.CANCELLED)
        return self.filter(state__in=over, finished_at__lt=Now() - timedelta(days=days)).order_by("finished_at")

    def held_by(self, job_id: UUID, fencing_token: int) -> JobQuerySet:
        """The job, if the attempt with this fencing token still runs it: one row or no row."""
        return self.filter(pk=job_id, state=State.RUNNING, fencing_token=fencing_token)
