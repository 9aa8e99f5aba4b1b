"""Steer a bulk run: order, start, pause, resume, undo, drop.

Each action is one UPDATE that requires the stage it starts from, so a second click changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from jobs.bulk.undo import can_undo
from jobs.dispatch.submission import submit_job
from jobs.errors import TransitionError
from jobs.interventions.audit import audit
from jobs.interventions.dead_letter import require_reason
from jobs.interventions.selection import in_words, select_jobs
from jobs.models import AuditEntry, Job
from jobs.models.bulk import BULK, OPEN, BulkItem, BulkRun, Stage
from jobs.states import State

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: Stages from which a run can be undone.
UNDOABLE: Final = frozenset({Stage.PAUSED, Stage.HALTED, Stage.DONE, Stage.DROPPED})


class AlreadyOpenError(Exception):
    """`run`, an order for the same jobs, is already open."""

    def __init__(self, run: BulkRun) -> None:
        super().__init__(f"Bulk run {run.pk} is already open for the same jobs: {run.stage}. {run.note}".strip())
        self.run = run


def open_run(*, act: BulkRun.Act, criteria: Mapping[str, str]) -> BulkRun | None:
    """The open run with this action and these criteria. There is at most one."""
    return BulkRun.objects.filter(open_key=_open_key(act, criteria), stage__in=OPEN).first()


def _open_key(act: BulkRun.Act, criteria: Mapping[str, str]) -> str:
    return sha256(json.dumps([act, dict(criteria)], sort_keys=True).encode()).hexdigest()


def order_run(
    *, act: BulkRun.Act, criteria: Mapping[str, str], reason: str, jobs_per_second: int, actor: AbstractBaseUser
) -> BulkRun:
    """Order a run. Its dry run begins at once; no job changes before a person starts the run.

    Raises AlreadyOpenError, UnknownCriterionError, and ValueError without a reason.
    """
    require_reason(reason)
    select_jobs(criteria)

    def insert() -> BulkRun:
        with transaction.atomic():
            run = BulkRun.objects.create(
                act=act,
                criteria=dict(criteria),
                open_key=_open_key(act, criteria),
                reason=reason,
                jobs_per_second=jobs_per_second,
                ordered_by=actor,  # type: ignore[misc]  # the user model is a setting
            )
            _audit(run, AuditEntry.Action.ADD, actor, reason, {"stage": run.stage, "jobs": in_words(criteria)})
            _start_leg(run, actor)
        return run

    try:
        return insert()
    except IntegrityError:
        other = open_run(act=act, criteria=criteria)
        if other is None:  # it has just ended
            return insert()
        raise AlreadyOpenError(other) from None


def start_run(run: BulkRun, *, actor: AbstractBaseUser, with_canary: bool) -> None:
    """checked → canary or running. Raises TransitionError."""
    with_canary = with_canary and run.act == BulkRun.Act.REQUEUE
    stage = Stage.CANARY if with_canary else Stage.RUNNING
    _change_stage(run, {Stage.CHECKED}, stage, AuditEntry.Action.START, actor, needs_leg=True, with_canary=with_canary)


def pause_run(run: BulkRun, *, actor: AbstractBaseUser) -> None:
    """canary or running → paused, within a second. Raises TransitionError."""
    _change_stage(run, {Stage.CANARY, Stage.RUNNING}, Stage.PAUSED, AuditEntry.Action.PAUSE, actor)


def resume_run(run: BulkRun, *, actor: AbstractBaseUser) -> None:
    """paused or halted → canary if it has not succeeded yet, else running. Raises TransitionError.

    If the canary is queued or running, the run waits for it. If it has failed, it is requeued.
    """
    with transaction.atomic():
        stage = Stage.CANARY if awaits_canary(run) else Stage.RUNNING
        _change_stage(run, {Stage.PAUSED, Stage.HALTED}, stage, AuditEntry.Action.RESUME, actor, needs_leg=True)
        if stage is Stage.CANARY:
            _reset_failed_canary(run)


def skip_canary(run: BulkRun, *, actor: AbstractBaseUser) -> None:
    """paused or halted → running, although the canary has not succeeded. Raises TransitionError."""
    action = AuditEntry.Action.RESUME
    _change_stage(run, {Stage.PAUSED, Stage.HALTED}, Stage.RUNNING, action, actor, needs_leg=True, with_canary=False)


def awaits_canary(run: BulkRun) -> bool:
    """Whether the other jobs wait for a canary that has not succeeded or has not been chosen."""
    canary = Job.objects.filter(pk__in=_canary_of(run), state=State.SUCCEEDED)
    return run.with_canary and not canary.exists()


def _canary_of(run: BulkRun) -> list[UUID]:
    return [run.canary] if run.canary else []


def _reset_failed_canary(run: BulkRun) -> None:
    """Make the canary's item pending again, so that it is chosen first. If it is refused, the next job is chosen."""
    canary = Job.objects.filter(pk__in=_canary_of(run)).first()
    if canary is not None and canary.state in (State.QUEUED, State.RUNNING):
        return
    token = {} if canary is None else {"fencing_token": canary.fencing_token}
    run.items.filter(job_id__in=_canary_of(run)).update(outcome=BulkItem.Outcome.PENDING, before=None, **token)
    BulkRun.objects.filter(pk=run.pk).update(canary=None)
    run.canary = None


def undo_run(run: BulkRun, *, actor: AbstractBaseUser) -> None:
    """Make the requeued jobs that have not started dead or failed again. Raises TransitionError."""
    if run.act != BulkRun.Act.REQUEUE:
        raise TransitionError("only a requeue can be undone")
    if run.stage in UNDOABLE and not can_undo(run):
        raise TransitionError("every requeued job has already started")
    _change_stage(run, UNDOABLE, Stage.UNDOING, AuditEntry.Action.UNDO, actor, needs_leg=True)


def drop_run(run: BulkRun, *, actor: AbstractBaseUser) -> None:
    """Any open stage except undoing → dropped: pending jobs stay as they are. Raises TransitionError."""
    _change_stage(run, OPEN - {Stage.UNDOING}, Stage.DROPPED, AuditEntry.Action.STOP, actor)


@contextmanager
def _one_open_run(run: BulkRun) -> Iterator[None]:
    """Raises TransitionError if another run is open for the same jobs, because undoing reopens a run."""
    try:
        yield
    except IntegrityError:
        other = open_run(act=BulkRun.Act(run.act), criteria=run.criteria)
        name = f"bulk run {other.pk}" if other else "another bulk run"
        raise TransitionError(f"{name} is open for the same jobs") from None


def _change_stage(
    run: BulkRun,
    from_stages: Collection[Stage],
    to_stage: Stage,
    action: AuditEntry.Action,
    actor: AbstractBaseUser,
    *,
    needs_leg: bool = False,
    **fields: bool,
) -> None:
    """Raises TransitionError unless the run is in one of `from_stages`."""
    with _one_open_run(run), transaction.atomic():
        before = BulkRun.objects.select_for_update().values_list("stage", flat=True).get(pk=run.pk)
        if before not in from_stages:
            raise TransitionError(f"the run is {before}")
        BulkRun.objects.filter(pk=run.pk).update(stage=to_stage, note="", updated_at=Now(), **fields)
        for name, value in {"stage": to_stage, **fields}.items():
            setattr(run, name, value)
        _audit(run, action, actor, run.reason, {"stage": to_stage}, before={"stage": before})
        if needs_leg:
            _start_leg(run, actor)


def _start_leg(run: BulkRun, actor: AbstractBaseUser) -> None:
    """Submit a new leg in the name of the person who clicked. It takes over from the previous leg."""
    job = submit_job(kind=BULK, owner=actor, payload={"run": run.pk, "stage": run.stage})
    BulkRun.objects.filter(pk=run.pk).update(leg=job.pk)


def _audit(
    run: BulkRun,
    action: AuditEntry.Action,
    actor: AbstractBaseUser,
    reason: str,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> None:
    audit(action, [("bulk run", run.pk, before or {}, after)], actor=actor.get_username(), reason=reason)
