"""Staff stop and resume the schedules of users, and each change is in the audit trail."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask

from jobs.interventions.schedules import resume_schedules, stop_schedules
from jobs.models import AuditEntry, Schedule
from jobs.schedules.changing import pause_schedule, resume_schedule
from jobs.schedules.running import run_if_due

pytestmark = pytest.mark.django_db

Make = Callable[..., Schedule]
UNKNOWN = UUID("01900000-0000-7000-8000-000000000000")


def trail() -> list[tuple[str, str, str, str, str, str]]:
    rows = AuditEntry.objects.filter(target_type="schedule").order_by("pk")
    return [(row.action, row.target_id, row.actor, row.reason, row.before["state"], row.after["state"]) for row in rows]


def pause_after_failures(schedule: Schedule) -> None:
    pause_schedule(schedule.pk)
    Schedule.objects.filter(pk=schedule.pk).update(pause_reason="failures", failures=3)


def is_stopped(schedule: Schedule) -> bool:
    return Schedule.objects.select_related("periodic_task").get(pk=schedule.pk).is_stopped_by_staff


def test_a_stopped_schedule_does_not_run_until_staff_resume_it(make_schedule: Make) -> None:
    schedule = make_schedule()
    assert stop_schedules([schedule.pk], actor="ida", reason="it floods").changed == [schedule.pk]
    Schedule.objects.update(next_run_at=Now())
    assert (is_stopped(schedule), run_if_due(schedule.pk)) == (True, None)
    resume_schedule(schedule.pk)
    assert is_stopped(schedule), "its owner cannot resume it"
    assert resume_schedules([schedule.pk], actor="ida", reason="mended").changed == [schedule.pk]
    Schedule.objects.update(next_run_at=Now())
    run = run_if_due(schedule.pk)
    assert run is not None
    assert run.outcome == "ordered"
    pk = str(schedule.pk)
    assert trail() == [
        ("stop", pk, "ida", "it floods", "active", "stopped"),
        ("resume", pk, "ida", "mended", "stopped", "active"),
    ]


def test_a_schedule_whose_row_of_beat_was_deleted_gets_one_again(make_schedule: Make) -> None:
    schedule = make_schedule()
    PeriodicTask.objects.filter(schedule_of_owner=schedule).delete()
    resume_schedules([schedule.pk], actor="ida", reason="r")
    schedule.refresh_from_db()
    assert (is_stopped(schedule), schedule.periodic_task is not None) == (False, True)


def test_a_schedule_that_was_paused_after_failures_runs_again(make_schedule: Make) -> None:
    schedule = make_schedule()
    pause_after_failures(schedule)
    assert resume_schedules([schedule.pk], actor="ida", reason="mended").changed == [schedule.pk]
    schedule.refresh_from_db()
    assert (schedule.paused_at, schedule.failures, schedule.next_run_at is None) == (None, 0, False)
    assert trail() == [("resume", str(schedule.pk), "ida", "mended", "paused: failures", "active")]


def test_what_would_change_nothing_or_is_the_owners_is_refused_with_the_reason(make_schedule: Make) -> None:
    active, paused, stopped = make_schedule(), make_schedule(), make_schedule()
    pause_schedule(paused.pk)
    stop_schedules([stopped.pk], actor="ida", reason="r")
    refused = stop_schedules([paused.pk, stopped.pk, UNKNOWN], actor="ida", reason="r").refused
    assert list(refused.values()) == ["it is paused", "it is already stopped", "there is no such schedule"]
    refused = resume_schedules([active.pk, paused.pk], actor="ida", reason="r").refused
    assert list(refused.values()) == ["it is not stopped", "its owner has paused it"]
    assert len(trail()) == 1


def test_a_reason_is_required(make_schedule: Make) -> None:
    schedule = make_schedule()
    for change in (stop_schedules, resume_schedules):
        with pytest.raises(ValueError, match="reason"):
            change([schedule.pk], actor="ida", reason=" ")
    assert not is_stopped(schedule)
