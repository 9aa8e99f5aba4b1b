"""A run: claim a scheduled time and place its order, in one transaction.

Beat and the sweep call the same function, as often as they like. Whoever locks the schedule first moves
`next_run_at` on with one guarded UPDATE; the others find that nothing is due. If the process dies in between,
PostgreSQL undoes both the claim and the order. Each scheduled time has a row, so a clock that jumps back repeats none.
"""

from __future__ import annotations

from functools import partial
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils.translation import gettext, override

from jobs.dispatch.admission_words import admission_in_words
from jobs.errors import AdmissionError, OrderRefusedError
from jobs.kinds import find_kind
from jobs.models import Preferences, Schedule, ScheduleRun
from jobs.payloads.redaction import redact
from jobs.postgres.commit import in_transaction
from jobs.schedules.beat_rows import delete_beat_row
from jobs.schedules.ending import end_run
from jobs.schedules.times import database_now, passed_times

logger = structlog.get_logger(__name__)

Outcome = ScheduleRun.Outcome
NOTHING: Final = "nothing is due"


def run_for_beat(schedule_id: UUID) -> str:
    """Run a schedule for which Beat rings, if it is due. Returns what was done, in a word.

    If the schedule was deleted together with its owner, its row of Beat is deleted now.
    """
    if not Schedule.objects.filter(pk=schedule_id).exists():
        delete_beat_row(schedule_id)
        return "no such schedule"
    run = run_if_due(schedule_id)
    return run.outcome if run else NOTHING


def run_if_due(schedule_id: UUID) -> ScheduleRun | None:
    """Place the order of the latest scheduled time that has passed; None if nothing is due, or nothing may run.

    The times before it are missed, and the history says so. While staff have stopped the schedule, or its owner is
    deactivated, times pass without a trace.
    """
    return in_transaction(partial(_run_if_due, schedule_id))


def _run_if_due(schedule_id: UUID) -> ScheduleRun | None:
    schedule = locked(schedule_id)
    now = database_now()
    if schedule is None or schedule.paused_at or schedule.next_run_at is None or schedule.next_run_at > now:
        return None
    passed = passed_times(schedule, schedule.next_run_at, now)
    unclaimed = Schedule.objects.filter(pk=schedule.pk, next_run_at=schedule.next_run_at, paused_at=None)
    if unclaimed.update(next_run_at=passed.next) != 1:
        return None
    schedule.next_run_at = passed.next
    schedule.runs.filter(outcome=Outcome.WAITING).update(outcome=Outcome.CROWDED_OUT)
    if not _may_run(schedule):
        return None
    missed = [ScheduleRun(schedule=schedule, scheduled_for=at, outcome=Outcome.MISSED) for at in passed.missed]
    ScheduleRun.objects.bulk_create(missed, ignore_conflicts=True)
    run, is_new = ScheduleRun.objects.get_or_create(schedule=schedule, scheduled_for=passed.latest)
    if not is_new:  # the clock of the database was set back
        return None
    place(schedule, run)
    return run


def retry_run(run_id: int) -> ScheduleRun | None:
    """Try again to place the order of a run that waits for room in the queue; None if it no longer waits."""

    def retry() -> ScheduleRun | None:
        waiting = ScheduleRun.objects.filter(pk=run_id, outcome=Outcome.WAITING)
        schedule_id = waiting.values_list("schedule", flat=True).first()
        schedule = schedule_id and locked(schedule_id)
        run = waiting.first()  # again: the schedule is locked now
        if not schedule or run is None:
            return None
        if not _may_run(schedule, is_manual=run.is_manual):
            waiting.update(outcome=Outcome.MISSED)
            return None
        place(schedule, run)
        return run

    return in_transaction(retry)


def locked(schedule_id: UUID) -> Schedule | None:
    """The schedule, locked until the end of the transaction. It comes before a queue in the order of locks."""
    rows = Schedule.objects.select_for_update(of=("self",), no_key=True).select_related("owner", "periodic_task")
    return rows.filter(pk=schedule_id).first()


def place(schedule: Schedule, run: ScheduleRun) -> None:
    """Place the order of a run as the owner, whose permissions count now. A full queue leaves it waiting.

    Raises DatabaseError.
    """
    preferences = Preferences.objects.filter(user=schedule.owner_id).first()
    language = (preferences and preferences.language) or settings.LANGUAGE_CODE
    kind = find_kind(schedule.kind)
    try:
        if kind is None or kind.scheduled_orders is None:
            with override(language):
                raise OrderRefusedError(gettext("This type no longer exists, or you may no longer order it."))
        with transaction.atomic():
            run.job = kind.scheduled_orders.place(
                owner=schedule.owner,
                order=schedule.order,
                at=run.scheduled_for.astimezone(ZoneInfo(schedule.time_zone)),
                language=language,
                callback_url=schedule.callback_url,
            )
    except AdmissionError as error:
        with override(language):
            run.outcome, run.reason = Outcome.WAITING, admission_in_words(error)
        run.save(update_fields=["outcome", "reason"])
    except OrderRefusedError as error:
        end_run(schedule, run, Outcome.REFUSED, reason=str(error))
    except DatabaseError:
        raise
    except Exception as error:  # of the type's own code. It would fail each time, so this run is over
        logger.exception("scheduled_order_failed", schedule=str(schedule.pk), error=redact(repr(error)))
        with override(language):
            reason = gettext("An internal error occurred. Ask an administrator to look at the log.")
        end_run(schedule, run, Outcome.REFUSED, reason=reason)
    else:
        run.outcome, run.reason = Outcome.ORDERED, ""
        run.save(update_fields=["job", "outcome", "reason"])
    logger.info("schedule_run", schedule=str(schedule.pk), outcome=run.outcome, job_id=str(run.job_id or ""))


def _may_run(schedule: Schedule, *, is_manual: bool = False) -> bool:
    """Nothing runs for a deactivated owner. What the owner starts by hand runs also while the schedule is paused."""
    is_stopped = schedule.paused_at is not None or schedule.is_stopped_by_staff
    return schedule.owner.is_active and (is_manual or not is_stopped)
