"""Stop and resume the schedules of users, as staff.

A schedule that staff have stopped is not a paused one: its row of Celery Beat is disabled, and its owner, who sees who
has stopped it, cannot resume it. A schedule that its owner has paused is the owner's to resume.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID

from jobs.interventions.audit import audit
from jobs.interventions.batches import Intervention
from jobs.interventions.dead_letter import require_reason
from jobs.models import AuditEntry, Schedule
from jobs.postgres.commit import in_transaction
from jobs.schedules.beat_rows import disable_beat_row, save_beat_row
from jobs.schedules.changing import resume_schedule
from jobs.schedules.running import locked


class _RefusedError(Exception):
    """The reason why nothing changes, as a clause."""


def stop_schedules(schedule_ids: Iterable[UUID], *, actor: str, reason: str) -> Intervention:
    """Let schedules run no more until staff resume them. Times pass without a run. ValueError: no reason."""
    return _apply(schedule_ids, _stop, AuditEntry.Action.STOP, actor=actor, reason=reason)


def resume_schedules(schedule_ids: Iterable[UUID], *, actor: str, reason: str) -> Intervention:
    """Run again what staff have stopped, or what was paused because its runs failed. ValueError: no reason.

    The next run is at the next scheduled time.
    """
    return _apply(schedule_ids, _resume, AuditEntry.Action.RESUME, actor=actor, reason=reason)


def _apply(
    schedule_ids: Iterable[UUID],
    change: Callable[[Schedule], None],
    action: AuditEntry.Action,
    *,
    actor: str,
    reason: str,
) -> Intervention:
    """Call `change` with each locked schedule, in a transaction of its own with the audit entry."""
    require_reason(reason)

    def change_one(pk: UUID) -> None:
        schedule = locked(pk)
        if schedule is None:
            raise _RefusedError("there is no such schedule")
        before = _audited_values(schedule)
        change(schedule)
        schedule.refresh_from_db()
        audit(action, [("schedule", pk, before, _audited_values(schedule))], actor=actor, reason=reason)

    outcome = Intervention()
    for pk in dict.fromkeys(schedule_ids):
        try:
            in_transaction(partial(change_one, pk))
        except _RefusedError as error:
            outcome.refused[pk] = str(error)
        else:
            outcome.changed.append(pk)
    return outcome


def _stop(schedule: Schedule) -> None:
    if schedule.paused_at is not None:
        raise _RefusedError("it is paused")
    if schedule.is_stopped_by_staff:
        raise _RefusedError("it is already stopped")
    disable_beat_row(schedule)


def _resume(schedule: Schedule) -> None:
    if schedule.is_stopped_by_staff:
        save_beat_row(schedule)
    elif schedule.pause_reason == Schedule.PauseReason.FAILURES:
        resume_schedule(schedule.pk)
    else:
        raise _RefusedError("it is not stopped" if schedule.paused_at is None else "its owner has paused it")


def _audited_values(schedule: Schedule) -> dict[str, Any]:
    state = "stopped" if schedule.is_stopped_by_staff else "active"
    return {"state": state if schedule.paused_at is None else f"paused: {schedule.pause_reason}"}
