"""The kind `bulk`: a leg of a bulk run's work is a job of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, cast

from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin

from jobs.bulk.models import WORKING, BulkRun, Stage
from jobs.bulk.steering import BULK
from jobs.bulk.work import POLL_SECONDS, change_jobs, check_jobs, send_canary, stage_of, stand, undo_jobs
from jobs.context import JobContext
from jobs.kinds import Kind
from jobs.retry import RetryPolicy
from jobs.sweeping import alone


def run_bulk(context: JobContext) -> dict[str, Any]:
    """The handler: work until the run's stage asks for none. Of two legs of one run, the second waits."""
    run = BulkRun.objects.select_related("ordered_by").get(pk=context.job.payload["run"])
    while True:
        context.check()
        with alone(f"bulk.{run.pk}") as granted:
            if granted:
                _work(context, run)
                return {"run": run.pk, "stage": stage_of(run)}
        time.sleep(POLL_SECONDS)


def _work(context: JobContext, run: BulkRun) -> None:
    stage = Stage(stage_of(run))
    if stage in WORKING and not _may_go_on(context, run):
        ends = Stage.DROPPED if stage is Stage.CHECKING else Stage.HALTED
        stand(run, stage, ends, note="Whoever ordered this may not do it any more.")
    run.acting = context.job.owner.get_username() if context.job.owner else ""
    steps: dict[str, Callable[[JobContext, BulkRun], None]] = {
        Stage.CHECKING: check_jobs,
        Stage.CANARY: send_canary,
        Stage.RUNNING: change_jobs,
        Stage.UNDOING: undo_jobs,
    }
    while (step := steps.get(stage_of(run))) is not None:
        step(context, run)


def _may_go_on(context: JobContext, run: BulkRun) -> bool:
    """Whoever pressed the button last must still be allowed to; months may lie between."""
    person = context.job.owner
    permissions = ("jobs.run_bulkrun", f"jobs.{run.act}_job")
    return person is not None and cast("PermissionsMixin", person).has_perms(permissions) and _is_active(person)


def _is_active(person: AbstractBaseUser) -> bool:
    return bool(person.is_active)


#: Waiting for a canary or a pause of the clock is no stall; lost attempts go on where they stood.
KIND: Final = Kind(
    name=BULK,
    queue="operations",
    handler=run_bulk,
    retry_policy=RetryPolicy(max_attempts=20, first_delay_seconds=1, max_delay_seconds=60, max_lost_in_a_row=10),
)
