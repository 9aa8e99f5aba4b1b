"""Recurring orders, and their runs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from jobs.models.callbacks import LONGEST_URL


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Schedules by what they do."""

    def due(self) -> ScheduleQuerySet:
        """Schedules whose time has come. It may be that they must not run (`jobs.schedules.running`)."""
        return self.filter(next_run_at__lte=Now(), paused_at=None)

    def active(self) -> ScheduleQuerySet:
        """Schedules that will run."""
        return self.filter(paused_at=None, periodic_task__enabled=True).exclude(next_run_at=None)

    def stopped_by_staff(self) -> ScheduleQuerySet:
        """Schedules whose row of Celery Beat staff have disabled or deleted."""
        return self.filter(Q(periodic_task=None) | Q(periodic_task__enabled=False), paused_at=None)

    def paused_after_failures(self) -> ScheduleQuerySet:
        """Schedules that were paused because their runs kept failing."""
        return self.filter(pause_reason=Schedule.PauseReason.FAILURES).exclude(paused_at=None)


class Schedule(models.Model):
    """A recurring order of a user. `next_run_at` is the truth; the row of Celery Beat only rings for it."""

    class Mail(models.TextChoices):
        """After which runs the owner gets a mail."""

        NONE = "none", _("Never")
        FAILED = "failed", _("When a run fails")
        ALWAYS = "always", _("After each run")

    class PauseReason(models.TextChoices):
        """Why it is paused."""

        OWNER = "owner", _("You have paused this schedule.")
        FAILURES = "failures", _("This schedule was paused because its runs kept failing.")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        db_index=False,  # jobs_schedule_of_owner begins with it
        related_name="schedules",
    )
    kind = models.CharField(max_length=50)
    type = models.CharField(max_length=100)
    name = models.CharField(max_length=100)
    order = models.JSONField(help_text="body of the order over the API, and the parameters that are relative dates")
    recurrence = models.JSONField(help_text="see `jobs.schedules.recurrence`")
    time_zone = models.CharField(max_length=64)
    next_run_at = models.DateTimeField(null=True, help_text="NULL: it is paused, or no date matches")
    mail = models.CharField(max_length=10, choices=Mail, default=Mail.FAILED)
    mail_before_stop = models.CharField(
        max_length=10,
        blank=True,
        default="",
        db_default="",
        help_text="the choice that the stop link of a mail replaced",
    )
    callback_url = models.CharField(max_length=LONGEST_URL, blank=True, help_text="empty: the default of the owner")
    paused_at = models.DateTimeField(null=True, help_text="the row of Celery Beat may be disabled, too")
    pause_reason = models.CharField(max_length=10, blank=True, choices=PauseReason)
    failures = models.PositiveIntegerField(default=0, help_text="failed runs in a row")
    created_at = models.DateTimeField(db_default=Now())
    periodic_task = models.OneToOneField(
        "django_celery_beat.PeriodicTask",
        null=True,
        on_delete=models.SET_NULL,
        related_name="schedule_of_owner",
        help_text="rings at about the right times; staff can disable the schedule there",
    )

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        permissions = [("stop_schedule", "Can stop and resume schedules of users")]
        indexes = [
            models.Index(fields=["owner", "-id"], name="jobs_schedule_of_owner"),
            models.Index(fields=["next_run_at"], name="jobs_schedule_due", condition=Q(next_run_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"schedule {self.id}"

    @property
    def is_stopped_by_staff(self) -> bool:
        """Whether staff have disabled or deleted its row of Celery Beat. Needs `periodic_task`."""
        return self.paused_at is None and (self.periodic_task is None or not self.periodic_task.enabled)


class ScheduleRun(models.Model):
    """One scheduled time of a schedule, and what became of it."""

    class Outcome(models.TextChoices):
        """The first two are not final."""

        WAITING = "waiting", _("Waiting for room in the queue")
        ORDERED = "ordered", _("Ordered")
        SUCCEEDED = "succeeded", _("Complete")
        FAILED = "failed", _("Failed")
        CANCELED = "canceled", _("Canceled")
        REFUSED = "refused", _("Refused")
        CROWDED_OUT = "crowded-out", _("Skipped: the queue was full until the next run")
        MISSED = "missed", _("Skipped: the service was not running, or the schedule was paused")

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, db_index=False, related_name="runs")
    scheduled_for = models.DateTimeField()
    is_manual = models.BooleanField(default=False, help_text="the owner has started it, in addition to the schedule")
    job = models.ForeignKey("jobs.Job", null=True, on_delete=models.SET_NULL, related_name="+")
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.WAITING)
    reason = models.TextField(blank=True, help_text="why it was refused, for the owner")

    class Meta:
        default_permissions = ("view",)
        verbose_name = "run of a schedule"
        verbose_name_plural = "runs of schedules"
        constraints = [models.UniqueConstraint(fields=["schedule", "scheduled_for"], name="jobs_schedulerun_once")]
        indexes = [
            models.Index(fields=["scheduled_for"], name="jobs_schedulerun_old"),
            models.Index(
                fields=["outcome", "id"],
                name="jobs_schedulerun_open",
                condition=Q(outcome__in=["waiting", "ordered"]),
            ),
        ]

    def __str__(self) -> str:
        return f"run of {self.schedule_id} at {self.scheduled_for}"
