"""What the end of a job means for its schedule, and who is told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import Settings

from jobs.maintenance.scheduled_runs import prune_scheduled_runs, run_due_schedules, settle_scheduled_runs
from jobs.models import Job, Queue, Schedule, ScheduleRun
from jobs.schedules.changing import resume_schedule, run_now
from jobs.schedules.ending import settle_run
from jobs.schedules.recurrence import Recurrence
from jobs.states import State
from reports.types import ReportType
from tests.support.deliveries import URL

Clock = Callable[[str], None]
Make = Callable[..., Schedule]
DAILY = Recurrence("day", 7)
ERROR = {"error": {"code": "query-refused", "detail": "The query was refused.", "retryable": False}}


@pytest.fixture
def mailed(settings: Settings, owner: User) -> Callable[[], list[dict[str, Any]]]:
    """The payloads of all mails, which the server can send, to an owner with an address."""
    settings.MAIL_IS_ON = True
    User.objects.filter(pk=owner.pk).update(email="ada@example.com")
    return lambda: list(Job.objects.filter(kind="mail").order_by("pk").values_list("payload", flat=True))


def run_of_day(clock: Clock, day: int, state: State) -> ScheduleRun:
    """Run the schedule on that day of December, and end its job."""
    clock(f"2026-12-{day:02}T07:00+09:00")
    assert run_due_schedules() == 1
    run = ScheduleRun.objects.latest("scheduled_for")
    assert run.job is not None
    Job.objects.filter(pk=run.job.pk).update(state=state, result=ERROR if state == State.DEAD else None)
    assert settle_scheduled_runs() == 1
    run.refresh_from_db()
    return run


@pytest.mark.parametrize(
    ("state", "outcome", "reason", "failures"),
    [
        (State.SUCCEEDED, "succeeded", "", 0),
        (State.DEAD, "failed", "The query was refused.", 1),
        (State.CANCELLED, "canceled", "", 0),
    ],
)
def test_a_run_takes_the_end_of_its_job(
    clock: Clock, make_schedule: Make, state: State, outcome: str, reason: str, failures: int
) -> None:
    schedule = make_schedule(DAILY)
    clock("2026-12-01T06:00+09:00")
    schedule.runs.all().delete()
    run = run_of_day(clock, 1, state)
    schedule.refresh_from_db()
    assert (run.outcome, run.reason, schedule.failures) == (outcome, reason, failures)
    assert settle_scheduled_runs() == 0
    assert not settle_run(run.pk)


def test_a_job_that_still_runs_is_left_alone(clock: Clock, make_schedule: Make) -> None:
    make_schedule(DAILY)
    clock("2026-12-01T07:00+09:00")
    run_due_schedules()
    Job.objects.update(state=State.RUNNING)
    assert settle_scheduled_runs() == 0


def test_a_job_that_is_gone_counts_neither_way(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule(DAILY)
    clock("2026-11-30T07:00+09:00")
    run_due_schedules()
    ScheduleRun.objects.update(job=None)
    assert settle_scheduled_runs() == 1
    schedule.refresh_from_db()
    assert (ScheduleRun.objects.get().outcome, schedule.failures) == ("canceled", 0)


def test_failures_in_a_row_pause_the_schedule(
    clock: Clock, make_schedule: Make, mailed: Callable[[], list[dict[str, Any]]], settings: Any
) -> None:
    settings.SCHEDULE_PAUSE_AFTER_FAILURES = 3
    schedule = make_schedule(DAILY, mail="none", callback_url=URL)
    for day, state in enumerate([State.DEAD, State.DEAD, State.SUCCEEDED, State.DEAD, State.CANCELLED, State.DEAD], 1):
        run_of_day(clock, day, state)
    schedule.refresh_from_db()
    assert (schedule.failures, schedule.pause_reason, mailed()) == (2, "", [])
    run_of_day(clock, 7, State.DEAD)
    schedule = Schedule.objects.select_related("periodic_task").get()
    assert (schedule.failures, schedule.pause_reason, schedule.next_run_at) == (3, "failures", None)
    assert schedule.paused_at is not None
    assert schedule.periodic_task is not None
    assert not schedule.periodic_task.enabled
    [facts] = mailed()
    assert facts == {
        "topic": "schedule-paused",
        "name": "Last week",
        "url": f"/schedules/{schedule.pk}",
        "reason": "The query was refused.",
    }
    delivery = Job.objects.get(kind="callback")
    assert delivery.payload["url"] == URL
    assert delivery.payload["body"]["type"] == "schedule.paused"
    assert delivery.payload["body"]["data"] == {
        "id": str(schedule.pk),
        "name": "Last week",
        "scheduleURL": f"/schedules/{schedule.pk}",
        "reason": "The query was refused.",
    }
    clock("2026-12-09T07:00+09:00")
    assert run_due_schedules() == 0
    resume_schedule(schedule.pk)
    schedule.refresh_from_db()
    assert (schedule.failures, schedule.pause_reason) == (0, "")
    assert str(schedule.next_run_at) == "2026-12-08 22:00:00+00:00"


def test_refusals_count_as_failures_and_are_called_back(
    clock: Clock, make_schedule: Make, report_types: dict[str, ReportType], settings: Any
) -> None:
    settings.SCHEDULE_PAUSE_AFTER_FAILURES = 2
    schedule = make_schedule(DAILY, callback_url=URL)
    del report_types["order-lines"]
    for day in (30, 31):
        clock(f"2026-12-{day}T07:00+09:00")
        run_due_schedules()
    schedule.refresh_from_db()
    assert (schedule.failures, schedule.pause_reason) == (2, "failures")
    bodies = [job.payload["body"] for job in Job.objects.filter(kind="callback").order_by("pk")]
    assert [body["type"] for body in bodies] == ["schedule.refused", "schedule.refused", "schedule.paused"]
    assert bodies[0]["data"]["scheduledFor"] == "2026-12-29T22:00:00Z"
    assert bodies[0]["data"]["reason"] == "This type no longer exists, or you may no longer order it."


@pytest.mark.parametrize(("mail", "count"), [("none", 0), ("failed", 1), ("always", 1)])
def test_the_owner_is_told_of_a_refusal_by_mail_as_chosen(
    clock: Clock,
    make_schedule: Make,
    report_types: dict[str, ReportType],
    mailed: Callable[[], list[dict[str, Any]]],
    mail: str,
    count: int,
) -> None:
    schedule = make_schedule(DAILY, mail=mail)
    del report_types["order-lines"]
    clock("2026-11-30T07:00+09:00")
    run_due_schedules()
    run = ScheduleRun.objects.get()
    assert mailed() == [{"topic": "run-failed", "run": run.pk, "schedule": str(schedule.pk)}] * count


@pytest.mark.parametrize("state", [State.DEAD, State.SUCCEEDED])
def test_the_end_of_a_job_is_not_mailed_from_here(
    clock: Clock, make_schedule: Make, mailed: Callable[[], list[dict[str, Any]]], state: State
) -> None:
    """The worker that ends a job announces it, or a sweep (`jobs.announcing`)."""
    make_schedule(DAILY, mail="always")
    run_of_day(clock, 1, state)
    assert mailed() == []


def test_a_closed_queue_of_mails_does_not_undo_the_end(
    clock: Clock,
    make_schedule: Make,
    report_types: dict[str, ReportType],
    mailed: Callable[[], list[dict[str, Any]]],
    settings: Settings,
) -> None:
    settings.SCHEDULE_PAUSE_AFTER_FAILURES = 1
    schedule = make_schedule(DAILY)
    Queue.objects.filter(name="mail").update(accepting=False)
    del report_types["order-lines"]
    clock("2026-11-30T07:00+09:00")
    run_due_schedules()
    schedule.refresh_from_db()
    assert (ScheduleRun.objects.get().outcome, schedule.pause_reason, mailed()) == ("refused", "failures", [])


def test_a_run_by_hand_leaves_the_times_alone_and_does_not_count(clock: Clock, make_schedule: Make) -> None:
    schedule = make_schedule(DAILY)
    before = schedule.next_run_at
    run = run_now(schedule.pk)
    assert (run.is_manual, run.outcome) == (True, "ordered")
    Job.objects.update(state=State.DEAD)
    settle_scheduled_runs()
    schedule.refresh_from_db()
    assert (schedule.next_run_at, schedule.failures) == (before, 0)
    assert Job.objects.get().payload["parameters"] == {"dateFrom": "2026-11-16", "dateTo": "2026-11-22"}


def test_the_url_of_the_schedule_hears_of_each_end_of_a_job(clock: Clock, make_schedule: Make) -> None:
    make_schedule(DAILY, callback_url=URL)
    clock("2026-11-30T07:00+09:00")
    run_due_schedules()
    job = Job.objects.get()
    assert job.calls_back
    assert [callback.url for callback in job.callbacks.all()] == [URL]


def test_old_runs_are_pruned(clock: Clock, make_schedule: Make, settings: Any) -> None:
    settings.HISTORY_DAYS = 30
    schedule = make_schedule(DAILY)
    for days in (29, 31):
        ScheduleRun.objects.create(schedule=schedule, scheduled_for=Now() - timedelta(days=days), outcome="succeeded")
    assert prune_scheduled_runs() == 1
    assert ScheduleRun.objects.count() == 1
