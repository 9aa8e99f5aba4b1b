"""The stage of a bulk run. The leg that works on the run reads it again before each step."""

from __future__ import annotations

from typing import cast

from django.contrib.auth import get_user_model
from django.contrib.auth.models import PermissionsMixin
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.models.bulk import BulkRun, Stage


def stage_of(context: JobContext, run: BulkRun) -> str:
    """The current stage of the run; empty if a later leg has replaced this one."""
    stage, leg = BulkRun.objects.values_list("stage", "leg").get(pk=run.pk)
    return stage if leg in (None, context.job.pk) else ""


def set_stage(run: BulkRun, from_stage: Stage, to_stage: Stage, note: str = "") -> None:
    """Set the stage, unless a person has changed it since."""
    BulkRun.objects.filter(pk=run.pk, stage=from_stage).update(stage=to_stage, note=note, updated_at=Now())


def should_continue(context: JobContext, run: BulkRun, stage: Stage) -> bool:
    """Whether this leg may continue the work of a stage. Raises what `JobContext.check` raises.

    A run can take months. It stops if the person who last clicked a button has lost the permission.
    """
    context.check()
    if stage_of(context, run) != stage:
        return False
    person = get_user_model()._default_manager.filter(pk__in=[context.job.owner_id]).first()
    permissions = ("jobs.run_bulkrun", f"jobs.{run.act}_job")
    if person is not None and cast("PermissionsMixin", person).has_perms(permissions):
        return True
    ends = Stage.DROPPED if stage is Stage.CHECKING else Stage.HALTED
    set_stage(run, stage, ends, note="The person who started this run no longer has the permission.")
    return False
