"""Where a bulk run stands, and whether the leg that works on it goes on: asked anew before each step."""

from __future__ import annotations

from typing import cast

from django.contrib.auth import get_user_model
from django.contrib.auth.models import PermissionsMixin
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.models.bulk import BulkRun, Stage


def stage_of(context: JobContext, run: BulkRun) -> str:
    """Where the run stands at this moment; nothing for a leg from which a later one took over."""
    stage, leg = BulkRun.objects.values_list("stage", "leg").get(pk=run.pk)
    return stage if leg in (None, context.job.pk) else ""


def stand(run: BulkRun, from_stage: Stage, to_stage: Stage, note: str = "") -> None:
    """Move on, unless a person has moved the run meanwhile."""
    BulkRun.objects.filter(pk=run.pk, stage=from_stage).update(stage=to_stage, note=note, updated_at=Now())


def goes_on(context: JobContext, run: BulkRun, stage: Stage) -> bool:
    """Whether this leg has the work of a stage to do. Raises what ends its attempt (`JobContext.check`).

    Whoever pressed the button last must still be allowed to, months may lie between; else the run stops.
    """
    context.check()
    if stage_of(context, run) != stage:
        return False
    person = get_user_model()._default_manager.filter(pk__in=[context.job.owner_id]).first()
    permissions = ("jobs.run_bulkrun", f"jobs.{run.act}_job")
    if person is not None and cast("PermissionsMixin", person).has_perms(permissions):
        return True
    ends = Stage.DROPPED if stage is Stage.CHECKING else Stage.HALTED
    stand(run, stage, ends, note="Whoever ordered this may not do it any more.")
    return False
