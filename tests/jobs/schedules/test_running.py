"""Runs: one order for each scheduled time, whatever rings, is away, or jumps."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django_celery_beat.models import PeriodicTask
from rest_framework import serializers

from jobs import kinds
from jobs.kinds import get_kind
from jobs.maintenance.scheduled_runs import run_due_schedules
from jobs.models import Job, Preferences, Schedule, ScheduleRun
from jobs.schedules.recurrence import Recurrence
from jobs.schedules.running import run_for_beat, run_if_due
from jobs.types.scheduling import TypedOrders
from reports.ordering import ORDERING
from reports.types import ReportType
from tests.support.threads import Threads

Clock = Callable[[str], None]
Make = Callable[..., Schedule]

DAILY = Recurrence("day", 7)


def history(schedule: Schedule) -> list[tuple[str, str]]:
    """Time in UTC and outcome of each run, the oldest first."""
    runs = schedule.runs.order_by("scheduled_for")
    return [(f"{run.scheduled_for.astimezone(UTC):%m-%d %H:%M}", run.outcome) for run in runs]


def next_run(schedule: Schedule) -> str | None:
    schedule.refresh_from_db()
    return schedule.next_run_at.isoformat() if schedule.next_run_at else None


def test_a_run_orders_last_week_as_it_is_then(clock: Clock, make_schedule: Make, owner: User) -> None:
    Preferences.objects.create(user=owner, language="ja")
    schedule = make_schedule()
    assert next_run(schedule) == "2026-11-29T22:00:00+00:00"
    clock("2026-11-30T06:59:59+09:00")
    assert run_if_due(schedule.pk) is None
    clock("2026-11-30T07:00+09:00")
    run = run_if_due(schedule.pk)
    assert run is not None
    assert (run.outcome, run.reason, run.is_manual) == ("ordered", "", False)
    job = Job.objects.get()
    assert (run.job, job.owner, job.type) == (job, owner, "order-lines")
    assert job.payload["parameters"] == {"dateFrom": "2026-11-23", "dateTo": "2026-11-29"}
    assert job.payload["language"] == "ja"
    assert next_run(schedule) == "2026-12-06T22:00:00+00:00"


def test_a_late_run_is_about_the_week_before_its_time(clock: Clock, make_schedule: Make) -> None:
    """It is Tuesday of the next week, but the run was due on Monday of this one."""
    schedule = make_schedule(Recurrence("month", 7, day=1))
    clock("2026-12-08T10:00+09:00")
    assert run_if_due(schedule.pk)
    assert Job.objects.get().payload["parameters"] == {"dateFrom": "2026-11-23", "dateTo": "2026-11-29"}


def test_the_date_is_that_of_the_zone_of_the_schedule(clock: Clock, make_schedule: Make) -> None:
    """At 07:00 on Monday in Tokyo it is still Sunday in New York."""
    schedule = make_schedule(Recurrence("week", 17, days=(7,)), time_zone="America/New_York")
    clock("2026-11-30T07:00+09:00")
    assert run_if_due(schedule.pk)
    assert Job.objects.get().payload["parameters"] == {"dateFrom": "2026-11-16", "dateTo": "2026-11-22"}


def test_rings_and_sweeps_order_once(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule()
    clock("2026-11-30T07:00:01+09:00")
    assert run_for_beat(schedule.pk) == "ordered"
    assert run_for_beat(schedule.pk) == "nothing is due"
    assert run_due_schedules() == 0
    assert Job.objects.count() == 1


def test_after_an_outage_only_the_latest_time_runs(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule(DAILY)
    clock("2026-12-03T09:00+09:00")
    assert run_due_schedules() == 1
    assert history(schedule) == [
        ("11-29 22:00", "missed"),
        ("11-30 22:00", "missed"),
        ("12-01 22:00", "missed"),
        ("12-02 22:00", "ordered"),
    ]
    assert Job.objects.count() == 1
    assert next_run(schedule) == "2026-12-03T22:00:00+00:00"


def test_a_long_outage_leaves_a_bounded_history(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule(Recurrence("cron", expression="*/15 * * * *"))
    clock("2028-01-01T00:05Z")
    assert run_due_schedules() == 1
    assert schedule.runs.filter(outcome="missed").count() == 100
    assert schedule.runs.get(outcome="ordered").scheduled_for == datetime.fromisoformat("2028-01-01T00:00Z")
    assert next_run(schedule) == "2028-01-01T00:15:00+00:00"


def test_a_clock_that_jumps_back_runs_nothing_twice(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule(DAILY)
    clock("2026-12-01T07:00+09:00")
    run_due_schedules()
    clock("2026-11-30T06:00+09:00")
    assert run_due_schedules() == 0
    Schedule.objects.update(next_run_at=datetime.fromisoformat("2026-11-30T07:00+09:00"))  # as if set anew
    clock("2026-12-01T07:00:30+09:00")
    assert run_due_schedules() == 0
    assert history(schedule) == [("11-29 22:00", "missed"), ("11-30 22:00", "ordered")]
    assert Job.objects.count() == 1


def test_a_full_queue_is_tried_again(
    clock: Clock, make_schedule: Make, full_queue: Callable[[int | None], None]
) -> None:
    schedule = make_schedule(DAILY)
    full_queue(0)
    clock("2026-11-30T07:00+09:00")
    assert run_due_schedules() == 1
    run = ScheduleRun.objects.get()
    assert (run.outcome, run.reason) == ("waiting", "The queue reports is full.")
    assert run_due_schedules() == 0
    assert Job.objects.count() == 0
    full_queue(None)
    clock("2026-11-30T09:00+09:00")
    assert run_due_schedules() == 1
    assert history(schedule) == [("11-29 22:00", "ordered")]
    assert Job.objects.get().payload["parameters"]["dateTo"] == "2026-11-29"
    schedule.refresh_from_db()
    assert schedule.failures == 0


def test_a_queue_that_stays_full_skips_the_run(
    clock: Clock, make_schedule: Make, full_queue: Callable[[int | None], None]
) -> None:
    schedule = make_schedule(DAILY)
    full_queue(0)
    clock("2026-11-30T07:00+09:00")
    run_due_schedules()
    full_queue(None)
    clock("2026-12-01T07:00+09:00")
    run_due_schedules()
    assert history(schedule) == [("11-29 22:00", "crowded-out"), ("11-30 22:00", "ordered")]
    schedule.refresh_from_db()
    assert schedule.failures == 0


def test_a_type_that_is_gone_refuses_the_run(
    clock: Clock, make_schedule: Make, report_types: dict[str, ReportType]
) -> None:
    schedule = make_schedule()
    del report_types["order-lines"]
    clock("2026-11-30T07:00+09:00")
    run = run_if_due(schedule.pk)
    assert run is not None
    assert (run.outcome, run.reason) == (
        "refused", "This type no longer exists, or you may no longer order it."
    )  # fmt: skip
    schedule.refresh_from_db()
    assert (schedule.failures, schedule.paused_at, Job.objects.count()) == (1, None, 0)


def test_the_permission_counts_that_the_owner_has_at_the_run(
    clock: Clock, make_schedule: Make, report_of: Callable[..., str], owner: User
) -> None:
    schedule = make_schedule(of=report_of(may_order=lambda self, user: not user.is_staff))
    owner.is_staff = True
    owner.save()
    clock("2026-11-30T07:00+09:00")
    run = run_if_due(schedule.pk)
    assert run is not None
    assert run.reason == "This type no longer exists, or you may no longer order it."


def test_parameters_that_are_no_longer_valid_refuse_the_run(
    clock: Clock, make_schedule: Make, report_of: Callable[..., str], report_types: dict[str, ReportType]
) -> None:
    class Before(serializers.Serializer[Any]):
        since = serializers.DateField(required=False)

    class After(serializers.Serializer[Any]):
        until = serializers.DateField()

    schedule = make_schedule(of=report_of(Parameters=Before), relative={"since": "yesterday"})
    type(report_types["made"]).Parameters = After
    clock("2026-11-30T07:00+09:00")
    run = run_if_due(schedule.pk)
    assert run is not None
    assert run.outcome == "refused"
    assert run.reason.startswith("The parameters are no longer valid. ")
    assert "since" in run.reason


def test_an_error_in_the_code_of_a_type_refuses_the_run(
    clock: Clock, make_schedule: Make, report_of: Callable[..., str]
) -> None:
    class Broken(serializers.Serializer[Any]):
        def validate(self, attrs: Any) -> Any:
            raise KeyError("password=sesame")

    schedule = make_schedule(of=report_of(Parameters=Broken))
    clock("2026-11-30T07:00+09:00")
    run = run_if_due(schedule.pk)
    assert run is not None
    assert (run.outcome, run.reason) == (
        "refused", "An internal error occurred. Ask an administrator to look at the log."
    )  # fmt: skip


def test_secrets_are_stored_sealed_and_ordered_in_clear(
    clock: Clock, make_schedule: Make, report_of: Callable[..., str]
) -> None:
    class Secret(serializers.Serializer[Any]):
        pin = serializers.CharField(write_only=True)

    schedule = make_schedule(of=report_of(Parameters=Secret), parameters={"pin": "sesame"})
    assert "sesame" not in str(Schedule.objects.values_list("order", flat=True)[0])
    clock("2026-11-30T07:00+09:00")
    run = run_if_due(schedule.pk)
    assert run is not None
    assert run.job is not None
    _, parameters = ORDERING.reopen_order(run.job.payload, schedule.owner)
    assert parameters == {"pin": "sesame"}


def test_nothing_runs_for_a_deactivated_owner_and_nothing_is_made_up_for(
    clock: Clock, make_schedule: Make, owner: User
) -> None:
    schedule = make_schedule(DAILY)
    owner.is_active = False
    owner.save()
    clock("2026-11-30T07:00+09:00")
    assert run_due_schedules() == 0
    assert next_run(schedule) == "2026-11-30T22:00:00+00:00"
    owner.is_active = True
    owner.save()
    clock("2026-11-30T12:00+09:00")
    assert run_due_schedules() == 0
    clock("2026-12-01T07:00+09:00")
    assert run_due_schedules() == 1
    assert history(schedule) == [("11-30 22:00", "ordered")]


@pytest.mark.parametrize("deed", ["disabled", "deleted"])
def test_a_schedule_that_staff_stop_does_not_run(clock: Clock, make_schedule: Make, deed: str) -> None:
    schedule = make_schedule(DAILY)
    rows = PeriodicTask.objects.filter(task="jobs.run_schedule")
    rows.update(enabled=False) if deed == "disabled" else rows.delete()
    clock("2026-11-30T07:00+09:00")
    assert run_for_beat(schedule.pk) == "nothing is due"
    assert run_due_schedules() == 0
    assert history(schedule) == []
    schedule = Schedule.objects.select_related("periodic_task").get()
    assert schedule.is_stopped_by_staff


def test_a_row_of_beat_without_a_schedule_is_deleted(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule()
    Schedule.objects.all().delete()
    assert run_for_beat(schedule.pk) == "no such schedule"
    assert not PeriodicTask.objects.filter(task="jobs.run_schedule").exists()


def test_a_run_takes_few_queries(clock: Clock, make_schedule: Make, django_assert_num_queries: Any) -> None:
    schedule = make_schedule()
    clock("2026-11-30T07:00+09:00")
    with django_assert_num_queries(15):
        run_if_due(schedule.pk)


# These commit, and go by the clock of PostgreSQL.

PAST = datetime.fromisoformat("2026-01-05T07:00+09:00")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("nothing_is_published")
def test_several_that_act_at_once_order_once(make_schedule: Make) -> None:
    schedule = make_schedule(Recurrence("month", 7, day=1))
    Schedule.objects.update(next_run_at=PAST)
    with Threads(6) as threads:
        runs = list(threads.map(run_if_due, [schedule.pk] * 6))
    assert len([run for run in runs if run]) == 1
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("nothing_is_published")
def test_a_process_that_dies_after_the_order_leaves_neither_claim_nor_order(
    make_schedule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session ends before the commit; then the sweep runs what is still due."""
    schedule = make_schedule(Recurrence("month", 7, day=1))
    Schedule.objects.update(next_run_at=PAST)

    class Dying(TypedOrders[Any]):
        def place(self, **facts: Any) -> Job:
            super().place(**facts)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            raise AssertionError("the session has ended")

    dying = replace(get_kind("report"), scheduled_orders=Dying(ORDERING))
    with monkeypatch.context() as patch:
        patch.setattr(kinds, "_kinds", {**kinds._kinds, "report": dying})
        with pytest.raises(OperationalError):
            run_if_due(schedule.pk)
    connection.close()
    assert (Job.objects.count(), ScheduleRun.objects.count()) == (0, 0)
    assert run_due_schedules() == 1
    assert Job.objects.count() == 1
