"""The end of a run: what became of its job, and what follows from that for its schedule."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from jobs.models import Job, Schedule, ScheduleRun
from jobs.postgres.commit import in_transaction
from jobs.schedules.beat_rows import disable_beat_row
from jobs.schedules.notices import FAILURES, tell_paused, tell_refused
from jobs.states import State

Outcome = ScheduleRun.Outcome
#: State of an ended job → outcome of its run.
OUTCOMES: Final = {
    State.SUCCEEDED: Outcome.SUCCEEDED,
    State.DEAD: Outcome.FAILED,
    State.CANCELLED: Outcome.CANCELED,
}


def ended_runs() -> QuerySet[ScheduleRun]:
    """Runs whose jobs have ended or were deleted, and which do not say so yet, the oldest first."""
    ended = Q(job__state__in=list(OUTCOMES)) | Q(job=None)
    return ScheduleRun.objects.filter(ended, outcome=Outcome.ORDERED).order_by("pk")


def settle_run(run_id: int) -> bool:
    """Record how the job of a run has ended; False if that was done before."""

    def settle() -> bool:
        run = ScheduleRun.objects.select_related("job").get(pk=run_id)
        rows = Schedule.objects.select_for_update(of=("self",), no_key=True).select_related("owner", "periodic_task")
        schedule = rows.get(pk=run.schedule_id)
        # A deleted job was either deleted by its owner after its end, or by hand.
        outcome = OUTCOMES[State(run.job.state)] if run.job else Outcome.CANCELED
        if not ScheduleRun.objects.filter(pk=run_id, outcome=Outcome.ORDERED).update(outcome=outcome):
            return False
        end_run(schedule, run, outcome, reason=_reason(run.job))
        return True

    return in_transaction(settle)


def _reason(job: Job | None) -> str:
    """Why a job failed, for its owner; empty for one that did not fail."""
    known = (job.result or {}).get("error", {}) if job is not None and job.state == State.DEAD else {}
    return str(known.get("detail", ""))


def end_run(schedule: Schedule, run: ScheduleRun, outcome: Outcome, *, reason: str) -> None:
    """Record the outcome, tell the owner of a refusal, and pause the schedule after too many failures in a row.

    The caller has locked the schedule. What the owner starts by hand does not count for the pause.
    """
    run.outcome, run.reason = outcome, reason
    run.save(update_fields=["outcome", "reason"])
    if outcome == Outcome.REFUSED:
        tell_refused(schedule, run)
    if run.is_manual or (outcome not in FAILURES and outcome != Outcome.SUCCEEDED):
        return
    schedule.failures = schedule.failures + 1 if outcome in FAILURES else 0
    schedule.save(update_fields=["failures"])
    if schedule.paused_at is None and schedule.failures >= settings.SCHEDULE_PAUSE_AFTER_FAILURES:
        stop(schedule, Schedule.PauseReason.FAILURES)
        tell_paused(schedule, reason=reason)


def stop(schedule: Schedule, reason: Schedule.PauseReason) -> None:
    """Pause a schedule that the caller has locked. A run that waits for room is given up."""
    Schedule.objects.filter(pk=schedule.pk).update(paused_at=Now(), pause_reason=reason, next_run_at=None)
    schedule.refresh_from_db(fields=["paused_at", "pause_reason", "next_run_at"])
    schedule.runs.filter(outcome=Outcome.WAITING).update(outcome=Outcome.MISSED)
    disable_beat_row(schedule)
