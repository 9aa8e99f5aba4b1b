"""Jobs and what belongs to them."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils.functional import cached_property
from uuid_utils.compat import uuid7

from jobs.models.querysets import JobQuerySet
from jobs.states import Outcome, State

#: A queued job, in words that no other query uses: else PostgreSQL takes this index for the one of the waiting jobs
#: while it believes that none wait, and reads all of them for each that it hands out.
NEITHER_HELD_NOR_ENDED = Q(lease_expires_at=None, retry_at=None, finished_at=None)

#: The artifact that can be downloaded, or could be.
PUBLISHED_RESULT = Q(role="result", published_at__isnull=False)


class Job(models.Model):
    """One accepted piece of work."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=50)
    type = models.CharField(max_length=100, blank=True, db_default="", help_text="the report type, say")
    queue = models.CharField(max_length=50)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        db_column="owner",
        db_index=False,  # jobs_job_owner_newest begins with it
        related_name="jobs",
    )
    payload = models.JSONField(help_text="what to do; only the kind understands it")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    priority = models.SmallIntegerField(default=0, help_text="higher goes first")
    scheduled_at = models.DateTimeField(null=True, help_text="not before this time")
    due = models.BooleanField(default=True, help_text="whether scheduled_at has come; Beat looks")
    retry_at = models.DateTimeField(null=True, help_text="when Beat retries a failed job")
    released_at = models.DateTimeField(null=True, help_text="when it was handed to Celery")
    attempt_count = models.PositiveIntegerField(default=0, help_text="attempts that count against the maximum")
    max_attempts = models.PositiveIntegerField()
    fencing_token = models.BigIntegerField(default=0, help_text="new for each attempt; guards each worker write")
    lease_expires_at = models.DateTimeField(null=True)
    progress_done = models.BigIntegerField(default=0, help_text="rows by the current attempt")
    progress_total = models.BigIntegerField(null=True, help_text="rows expected; NULL is unknown")
    progress_rate = models.FloatField(null=True, help_text="rows/s of the current attempt; see `jobs.row_rate`")
    progress_began_at = models.DateTimeField(null=True, help_text="when its first row came")
    progress_percent = models.PositiveSmallIntegerField(default=0, help_text="highest shown so far; 100 is complete")
    cancel_requested_at = models.DateTimeField(null=True)
    result = models.JSONField(null=True)
    error_class = models.CharField(max_length=200, blank=True)
    error_message = models.TextField(blank=True)
    error_fingerprint = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  (none is not a key of no letters)
    request_fingerprint = models.CharField(max_length=64, blank=True, help_text="of the request that had the key")
    calls_back = models.BooleanField(
        default=False, db_default=False, help_text="somebody is to be told of its end, and has not been told yet"
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
                condition=Q(state="queued", released_at=None, due=True),
            ),
            models.Index(fields=["scheduled_at"], name="jobs_job_scheduled", condition=Q(state="queued", due=False)),
            models.Index(fields=["queue", "owner"], name="jobs_job_queued", condition=NEITHER_HELD_NOR_ENDED),
            models.Index(
                fields=["queue", "id"], name="jobs_job_oldest", condition=NEITHER_HELD_NOR_ENDED & Q(due=True)
            ),
            models.Index(
                fields=["queue", "released_at"],
                name="jobs_job_released",
                condition=Q(state="queued", released_at__isnull=False),
            ),
            models.Index(fields=["queue", "lease_expires_at"], name="jobs_job_running", condition=Q(state="running")),
            models.Index(fields=["retry_at"], name="jobs_job_retry", condition=Q(state="failed")),
            models.Index(fields=["-id"], name="jobs_job_dead", condition=Q(state="dead")),
            models.Index(fields=["queue", "kind", "type", "-id"], name="jobs_job_sorted_by"),  # see jobs.selection
            models.Index(
                fields=["error_fingerprint", "-id"],
                name="jobs_job_fingerprint",
                condition=Q(state__in=["dead", "failed"]),
            ),
            models.Index(
                fields=["queue", "state"], name="jobs_job_to_count", condition=Q(state__in=["dead", "failed"])
            ),
            models.Index(fields=["error_class", "-id"], name="jobs_job_error", condition=~Q(error_class="")),
            models.Index(
                fields=["finished_at"], name="jobs_job_ended", condition=Q(state__in=["succeeded", "cancelled"])
            ),
            models.Index(
                fields=["finished_at"],
                name="jobs_job_to_announce",
                condition=Q(calls_back=True, finished_at__isnull=False),
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

    @cached_property
    def result_artifact(self) -> Artifact | None:
        """The published result of a job that has succeeded. One query, unless `JobQuerySet.with_result` read it."""
        if self.state != State.SUCCEEDED:
            return None
        read: list[Artifact] | None = getattr(self, "results", None)
        return next(iter(self.artifacts.filter(PUBLISHED_RESULT) if read is None else read), None)


class SearchTerms(models.Model):
    """What a job is found by; see `jobs.search`. A job with an empty payload has none."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="search_terms")
    terms = ArrayField(models.TextField())

    class Meta:
        indexes = [GinIndex(fields=["terms"], name="jobs_searchterms_terms")]

    def __str__(self) -> str:
        return f"terms of {self.job_id}"


class PayloadRevision(models.Model):
    """A payload as it was before a person edited it. Rows are only added."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="revisions")
    payload = models.JSONField()
    replaced_at = models.DateTimeField(db_default=Now())
    replaced_by = models.CharField(max_length=150, help_text="name of the user")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"payload of {self.job_id} until {self.replaced_at}"


class Attempt(models.Model):
    """One try to run a job by one worker. Rows are only added and ended, never deleted by themselves."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, db_index=False, related_name="attempts")
    number = models.PositiveIntegerField(help_text="1 is the first")
    fencing_token = models.BigIntegerField()
    worker = models.TextField(help_text="name of the Celery worker")
    process_id = models.PositiveIntegerField(null=True, help_text="of the worker's process, on its machine")
    celery_task_id = models.CharField(max_length=255, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    error_class = models.CharField(max_length=200, blank=True)
    error_message = models.TextField(blank=True)
    error_fingerprint = models.CharField(max_length=64, blank=True, help_text="equal for equal failures")
    traceback = models.TextField(blank=True, help_text="without secrets, see `jobs.redaction`")
    rows = models.BigIntegerField(null=True, help_text="rows written or read")
    rows_expected = models.BigIntegerField(null=True, help_text="rows expected when it succeeded; NULL is unknown")
    bytes = models.BigIntegerField(null=True, help_text="bytes")
    peak_memory_bytes = models.BigIntegerField(null=True, help_text="bytes; peak of the worker process")
    conditions = models.JSONField(null=True, help_text="under which it ran: the database it read, its pace")

    class Meta:
        ordering = ("job", "number")
        constraints = [models.UniqueConstraint(fields=("job", "number"), name="jobs_attempt_number")]
        indexes = [
            models.Index(fields=["finished_at"], name="jobs_attempt_ended", condition=Q(finished_at__isnull=False)),
            models.Index(
                fields=["error_fingerprint", "finished_at"],
                name="jobs_attempt_failed",
                condition=~Q(error_fingerprint=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.number}"

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None while it runs."""
        return self.finished_at - self.started_at if self.finished_at else None


class Artifact(models.Model):
    """A file that belongs to a job. It can be downloaded from `published_at` until it is deleted."""

    class Role(models.TextChoices):
        """What the file is to its job."""

        RESULT = "result"
        SOURCE = "source"
        ERRORS = "errors"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, db_index=False, related_name="artifacts")
    attempt = models.PositiveIntegerField(null=True, help_text="number of the attempt that wrote it")
    role = models.CharField(max_length=10, choices=Role)
    storage_name = models.CharField(max_length=255, help_text="name in the `artifacts` storage")
    filename = models.CharField(max_length=255, help_text="name offered to the person who downloads it")
    content_type = models.CharField(max_length=100)
    encoding = models.CharField(max_length=20)
    row_count = models.BigIntegerField(help_text="rows without the heading")
    size_bytes = models.BigIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64, help_text="of the stored bytes, hexadecimal")
    published_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    damaged_at = models.DateTimeField(
        null=True, help_text="since when storage has been known to lack the file, or some of its bytes"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=("job", "role"), name="jobs_artifact_one_per_role")]
        permissions = [("download_artifact", "Can download the files of all jobs")]
        indexes = [
            models.Index(fields=["expires_at"], name="jobs_artifact_expiry", condition=Q(deleted_at=None)),
            models.Index(fields=["storage_name"], name="jobs_artifact_storage_name"),
            models.Index(fields=["damaged_at"], name="jobs_artifact_damaged", condition=Q(damaged_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.job_id}"


class Event(models.Model):
    """One line of a job's timeline. Rows are added in the transaction that they tell of, and never changed."""

    class Name(models.TextChoices):
        """What happened."""

        SUBMITTED = "submitted"
        RELEASED = "released"
        STARTED = "started"
        PROGRESS = "progress"
        COMPLETED = "completed"
        FAILED = "failed"
        RETRIED = "retried"
        RESCUED = "rescued"
        HANDED_BACK = "handed_back"
        POSTPONED = "postponed"
        DEAD_LETTERED = "dead_lettered"
        REQUEUED = "requeued"
        REQUEUE_UNDONE = "requeue_undone"
        EDITED = "edited"
        CANCEL_REQUESTED = "cancel_requested"
        CANCELLED = "cancelled"
        DOWNLOADED = "downloaded"
        EXPIRED = "expired"
        PURGED = "purged"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, db_index=False, related_name="events")
    at = models.DateTimeField(db_default=Now())
    name = models.CharField(max_length=20, choices=Name)
    actor = models.CharField(max_length=150, blank=True, help_text="name of the user; empty: Longhaul itself")
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("id",)
        indexes = [models.Index(fields=["job", "id"], name="jobs_event_of_job")]

    def __str__(self) -> str:
        return f"{self.name} {self.job_id}"


class Sweep(models.Model):
    """When a sweep of Beat's ran last. An alert on `last_finished_at` tells that it does not run any more."""

    name = models.CharField(max_length=50, primary_key=True)
    last_started_at = models.DateTimeField()
    last_finished_at = models.DateTimeField(null=True)
    last_handled = models.PositiveIntegerField(default=0, help_text="rows or files that the last run changed")
    handled = models.PositiveBigIntegerField(default=0, db_default=0, help_text="all that its runs ever changed")
    last_error = models.TextField(blank=True, help_text="of the last run; empty: it went well")
    position = models.CharField(max_length=100, blank=True, help_text="where the next run goes on")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
