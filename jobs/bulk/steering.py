"""What people do with a bulk run: order it, start it, pause, resume, undo, drop.

Each is one UPDATE guarded by the stage it starts from: a second press, in a second window too, changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from jobs.audit import AuditEntry, audit
from jobs.bulk.models import OPEN, BulkRun, Stage
from jobs.dead_letter import require_reason
from jobs.errors import TransitionError
from jobs.models import Job
from jobs.selection import in_words, select_jobs
from jobs.states import State
from jobs.submission import submit_job

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: The name of the kind of jobs that do the work of a run.
BULK: Final = "bulk"


class AlreadyOpenError(Exception):
    """The same order is open already: `run`."""

    def __init__(self, run: BulkRun) -> None:
        super().__init__(f"bulk run {run.pk} does the same to the same jobs, and is {run.stage}")
        self.run = run


def order_run(
    *, act: BulkRun.Act, criteria: Mapping[str, str], reason: str, jobs_per_second: int, actor: AbstractBaseUser
) -> BulkRun:
    """Order a run; its dry run begins at once, and nothing is changed before somebody starts it.

    Raises AlreadyOpenError, UnknownCriterionError, ValueError without a reason.
    """
    require_reason(reason)
    select_jobs(criteria)
    key = sha256(json.dumps([act, dict(criteria)], sort_keys=True).encode()).hexdigest()

    def insert() -> BulkRun:
        with transaction.atomic():
            run = BulkRun.objects.create(
                act=act,
                criteria=dict(criteria),
                open_key=key,
                reason=reason,
                jobs_per_second=jobs_per_second,
                ordered_by=actor,  # type: ignore[misc]  # the user model is a setting
            )
            _told(run, AuditEntry.Action.ADD, actor, reason, {"stage": run.stage, "jobs": in_words(criteria)})
            _work(run, actor)
        return run

    try:
        return insert()
    except IntegrityError:
        other = BulkRun.objects.filter(open_key=key, stage__in=OPEN).first()
        if other is None:  # it came to its end this very moment
            return insert()
        raise AlreadyOpenError(other) from None


def start_run(run: BulkRun, *, actor: AbstractBaseUser, with_canary: bool) -> None:
    """checked → canary or running. Raises TransitionError."""
    stage = Stage.CANARY if with_canary and run.act == BulkRun.Act.REQUEUE else Stage.RUNNING
    _move(run, {Stage.CHECKED}, stage, AuditEntry.Action.START, actor, works=True)


def pause_run(run: BulkRun, *, actor: AbstractBaseUser) -> None:
    """canary or running → paused, within a second. Raises TransitionError."""
    _move(run, {Stage.CANARY, Stage.RUNNING}, Stage.PAUSED, AuditEntry.Action.PAUSE, actor)


def resume_run(run: BulkRun, *, actor: AbstractBaseUser) -> None:
    """halted → running; paused → as it was: a canary that has not ended is waited for. Raises TransitionError."""
    stage = Stage.CANARY if awaits_canary(run) else Stage.RUNNING
    _move(run, {Stage.PAUSED, Stage.HALTED}, stage, AuditEntry.Action.RESUME, actor, works=True)


def leave_canary(run: BulkRun, *, actor: AbstractBaseUser) -> None:
    """paused → running, though the canary has not ended. Raises TransitionError."""
    _move(run, {Stage.PAUSED}, Stage.RUNNING, AuditEntry.Action.RESUME, actor, works=True)


def awaits_canary(run: BulkRun) -> bool:
    """Whether it was paused while its canary was on its way."""
    canary = Job.objects.filter(pk__in=[run.canary] if run.canary else [])
    return run.stage == Stage.PAUSED and canary.exclude(state=State.SUCCEEDED).exists()


def undo_run(run: BulkRun, *, actor: AbstractBaseUser) -> None:
    """Put back what was requeued and has not begun: it is dead, or failed, as it was. Raises TransitionError."""
    if run.act != BulkRun.Act.REQUEUE:
        raise TransitionError("only requeueing can be undone")
    _move(run, {Stage.PAUSED, Stage.HALTED, Stage.DONE}, Stage.UNDOING, AuditEntry.Action.UNDO, actor, works=True)


def drop_run(run: BulkRun, *, actor: AbstractBaseUser) -> None:
    """Any open stage but undoing → dropped: what was not touched yet stays so. Raises TransitionError."""
    _move(run, OPEN - {Stage.UNDOING}, Stage.DROPPED, AuditEntry.Action.STOP, actor)


def _move(
    run: BulkRun,
    from_stages: Collection[Stage],
    to_stage: Stage,
    action: AuditEntry.Action,
    actor: AbstractBaseUser,
    *,
    works: bool = False,
) -> None:
    with transaction.atomic():
        before = BulkRun.objects.select_for_update().values_list("stage", flat=True).get(pk=run.pk)
        if before not in from_stages:
            raise TransitionError(f"it is {before}")
        BulkRun.objects.filter(pk=run.pk).update(stage=to_stage, note="", updated_at=Now())
        run.stage = to_stage
        _told(run, action, actor, run.reason, {"stage": to_stage}, before={"stage": before})
        if works:
            _work(run, actor)


def _work(run: BulkRun, actor: AbstractBaseUser) -> None:
    """Let a new leg take over, in the name of whoever pressed the button; the one before ends."""
    job = submit_job(kind=BULK, owner=actor, payload={"run": run.pk, "stage": run.stage})
    BulkRun.objects.filter(pk=run.pk).update(leg=job.pk)


def _told(
    run: BulkRun,
    action: AuditEntry.Action,
    actor: AbstractBaseUser,
    reason: str,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> None:
    audit(action, [("bulk run", run.pk, before or {}, after)], actor=actor.get_username(), reason=reason)
