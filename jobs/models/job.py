"""Jobs."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from uuid_utils.compat import uuid7

from jobs.models.artifact import Artifact
from jobs.models.querysets import JobQuerySet
from jobs.models.queue_conditions import DUE, HANDED_OUT, QUEUED, RUNNING, SCHEDULED, WAITING
from jobs.states import State

_DEAD_OR_FAILED = Q(state__in=["dead", "failed"])


class Job(models.Model):
    """One accepted piece of work."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=50)
    type = models.CharField(max_length=100, blank=True, db_default="", help_text="such as the report type")
    queue = models.CharField(max_length=50)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        db_column="owner",
        db_index=False,  # jobs_job_owner_newest begins with it
        related_name="jobs",
    )
    payload = models.JSONField(help_text="input of the job; only its kind interprets it")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    priority = models.SmallIntegerField(default=0, help_text="higher goes first")
    scheduled_at = models.DateTimeField(null=True, help_text="not before this time")
    due = models.BooleanField(default=True, help_text="whether scheduled_at has passed; a sweep sets it")
    retry_at = models.DateTimeField(null=True, help_text="when Beat retries a failed job")
    released_at = models.DateTimeField(null=True, help_text="when it was handed to Celery")
    attempt_count = models.PositiveIntegerField(default=0, help_text="attempts that count against the maximum")
    max_attempts = models.PositiveIntegerField()
    fencing_token = models.BigIntegerField(default=0, help_text="new for each attempt; guards each worker write")
    lease_expires_at = models.DateTimeField(null=True)
    progress_done = models.BigIntegerField(default=0, help_text="rows by the current attempt")
    progress_total = models.BigIntegerField(null=True, help_text="rows expected; NULL if unknown")
    progress_rate = models.FloatField(null=True, help_text="rows/s of the current attempt; see `jobs.worker.row_rate`")
    progress_began_at = models.DateTimeField(null=True, help_text="when its first row arrived")
    progress_samples = ArrayField(
        models.BigIntegerField(),
        null=True,
        help_text="milliseconds since that row, and rows, in turn; see `jobs.worker.row_samples`",
    )
    progress_details = models.JSONField(
        null=True, help_text="what the current attempt reports besides rows; its kind defines it"
    )
    progress_percent = models.PositiveSmallIntegerField(default=0, help_text="highest shown so far; 100 is complete")
    cancel_requested_at = models.DateTimeField(null=True)
    result = models.JSONField(null=True)
    error_class = models.CharField(max_length=200, blank=True)
    error_message = models.TextField(blank=True)
    error_fingerprint = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  (NULL differs from an empty key)
    request_fingerprint = models.CharField(max_length=64, blank=True, help_text="of the request that had the key")
    calls_back = models.BooleanField(
        default=False, db_default=False, help_text="its end has yet to be announced by callback"
    )
    mails = models.BooleanField(
        default=False, db_default=False, help_text="its end has yet to be announced by mail, if its owner wants that"
    )
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, help_text="start of the current attempt")
    finished_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())

    objects = JobQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["owner", "kind", "-id"], name="jobs_job_owner_newest"),
            models.Index(
                F("queue"),
                F("type"),
                F("priority").desc(),
                Coalesce("owner", 0),
                F("id"),
                name="jobs_job_waiting",
                condition=WAITING,
            ),
            models.Index(fields=["scheduled_at"], name="jobs_job_scheduled", condition=SCHEDULED),
            models.Index(fields=["queue", "owner"], name="jobs_job_queued", condition=QUEUED),
            models.Index(fields=["queue", "finished_at", "id"], name="jobs_job_oldest", condition=DUE),
            models.Index(fields=["queue", "released_at"], name="jobs_job_released", condition=HANDED_OUT),
            models.Index(fields=["queue"], name="jobs_job_running", condition=RUNNING),
            models.Index(fields=["retry_at"], name="jobs_job_retry", condition=Q(state="failed")),
            models.Index(fields=["-id"], name="jobs_job_dead", condition=Q(state="dead")),
            # See jobs.interventions.selection.
            models.Index(fields=["queue", "kind", "type", "-id"], name="jobs_job_sorted_by"),
            models.Index(fields=["error_fingerprint", "-id"], name="jobs_job_fingerprint", condition=_DEAD_OR_FAILED),
            models.Index(fields=["queue", "state"], name="jobs_job_to_count", condition=_DEAD_OR_FAILED),
            models.Index(fields=["error_class", "-id"], name="jobs_job_error", condition=~Q(error_class="")),
            models.Index(
                fields=["finished_at"], name="jobs_job_ended", condition=Q(state__in=["succeeded", "cancelled"])
            ),
            models.Index(
                fields=["finished_at"],
                name="jobs_job_to_announce",
                condition=Q(calls_back=True, finished_at__isnull=False),
            ),
            models.Index(
                fields=["finished_at"],
                name="jobs_job_to_mail",
                condition=Q(mails=True, finished_at__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="jobs_job_state_known"),
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"],
                name="jobs_job_idempotency_key",
                condition=Q(idempotency_key__isnull=False),
            ),
        ]
        permissions = [
            ("requeue_job", "Can requeue jobs"),
            ("discard_job", "Can discard jobs"),
            ("cancel_job", "Can cancel jobs"),
            ("edit_payload", "Can edit the payload of a job and requeue it"),
            ("reveal_payload", "Can see the secrets in a payload"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def result_artifact(self) -> Artifact | None:
        """The published result of a succeeded job. Raises RuntimeError unless it was fetched together with the job.

        `JobQuerySet.with_result` and `jobs.files.results` do that.
        """
        if self.state != State.SUCCEEDED:
            return None
        fetched: list[Artifact] | None = self.__dict__.get("results")
        if fetched is None:
            raise RuntimeError(f"The result of {self} was not fetched with it: use with_result().")
        return next(iter(fetched), None)
