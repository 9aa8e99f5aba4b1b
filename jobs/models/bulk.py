"""The tables of bulk runs."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from jobs.states import Level

#: The kind of the jobs that work on a bulk run.
BULK: Final = "bulk"


class Stage(models.TextChoices):
    """The state of a bulk run. `jobs.bulk.steering` changes it for people, `jobs.bulk.work` for the worker.

    ```
    checking ─▶ checked ── start ──▶ canary ── it succeeded ──▶ running ──▶ done ── undo ──▶ undoing ──▶ undone
       │           │                 │ ▲  │                     │     ▲                         ▲
       │           │                 │ │  └ it failed ─▶ halted │     │ resume                  │
       │           │                 │ └──── resume ──────┘     │     │                         │
       └───────────┴── drop ─▶ dropped └── pause ──▶ paused ◀───┘─────┘ ────────── undo ────────┘
    ```

    Resuming before the canary has succeeded leads back to the canary, which is retried if it failed. A dropped run can
    be undone, too. If every job had already started, undoing ends in `done`.
    """

    CHECKING = "checking"
    CHECKED = "checked"
    CANARY = "canary"
    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    DROPPED = "dropped"


#: A worker has work to do.
WORKING = frozenset({Stage.CHECKING, Stage.CANARY, Stage.RUNNING, Stage.UNDOING})
#: While a run is open, a second one with the same criteria and act is refused: somebody pressed a button twice.
OPEN = frozenset({*WORKING, Stage.CHECKED, Stage.PAUSED, Stage.HALTED})


class BulkRun(models.Model):
    """One order: what to do with which jobs, why, and how fast."""

    class Act(models.TextChoices):
        """What is done to each job."""

        REQUEUE = "requeue"
        DISCARD = "discard"
        CANCEL = "cancel"

    act = models.CharField(max_length=10, choices=Act)
    criteria = models.JSONField(help_text="criteria of the jobs, see `jobs.interventions.selection`")
    open_key = models.CharField(max_length=64, editable=False, help_text="equal for equal act and criteria")
    reason = models.TextField()
    ordered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bulk_runs")
    jobs_per_second = models.PositiveIntegerField(
        default=10, validators=[MinValueValidator(1), MaxValueValidator(1000)], help_text="jobs/s"
    )
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.CHECKING)
    note = models.TextField(blank=True, help_text="reason for the current stage")
    with_canary = models.BooleanField(
        default=False, db_default=False, help_text="the others wait until the canary has succeeded"
    )
    canary = models.UUIDField(null=True, help_text="the job that runs first, alone")
    leg = models.UUIDField(null=True, help_text="the job that does the work and takes over what an earlier one left")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-id",)
        permissions = [("run_bulkrun", "Can order and steer bulk runs")]
        constraints = [
            models.UniqueConstraint(
                fields=["open_key"], condition=Q(stage__in=sorted(OPEN)), name="jobs_bulkrun_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.act} run {self.pk}"


class BulkItem(models.Model):
    """One job of a run: the verdict of the dry run, and the outcome."""

    class Outcome(models.TextChoices):
        """What the run did to the job."""

        PENDING = "pending"
        CHANGED = "changed"
        REFUSED = "refused"
        UNDONE = "undone"

    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="items")
    job_id = models.UUIDField()
    fencing_token = models.BigIntegerField(help_text="of the job at the dry run; a job that has run since is skipped")
    level = models.PositiveSmallIntegerField(
        choices=[(level.value, level.name.lower()) for level in Level], help_text="verdict of the dry run"
    )
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.PENDING)
    why = models.TextField(blank=True, help_text="reason for a warning or refusal")
    before = models.JSONField(null=True, help_text="values that an undo restores")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "job_id"], name="jobs_bulkitem_once")]
        indexes = [models.Index(fields=["run", "outcome", "job_id"], name="jobs_bulkitem_next")]

    def __str__(self) -> str:
        return f"{self.job_id} of run {self.run_id}"
