"""Schedules while Beat, Redis or a worker is gone: each scheduled time orders once, and none is lost."""

import os
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import redis
from celery import current_app
from django.contrib.auth.models import User
from django.db.models.functions import Now

from examples.sales.seeding import seed_sales
from jobs.maintenance.scheduled_runs import run_due_schedules, settle_scheduled_runs
from jobs.models import Job, Schedule, ScheduleRun
from jobs.schedules.changing import Plan, create_schedule
from jobs.schedules.recurrence import Recurrence
from jobs.states import State
from jobs.types.scheduling import stored_order
from reports.types import REPORT_TYPES
from tests.support.locks import a_session_waits_for_a_lock
from tests.support.messages import messages
from tests.support.outages import locked
from tests.support.stack import Stack
from tests.support.waiting import wait_until


@pytest.fixture
def schedule(stack: Stack, owner: User) -> Schedule:
    """Each first of the month; its last time was a minute ago."""
    list(seed_sales(lines=100, using="default"))
    job_type = REPORT_TYPES.find("yearly-sales")
    assert job_type is not None
    body = {"reportType": "yearly-sales", "csv": {}, "parameters": {"year": 2023}}
    order = stored_order(job_type, body, {"year": "last-year"})
    plan = Plan("Last year", order, Recurrence("month", 7, day=1), "Asia/Tokyo", "none", "")
    made = create_schedule(owner=owner, kind="report", type="yearly-sales", plan=plan)
    Schedule.objects.update(next_run_at=Now() - timedelta(minutes=1))
    return made


def ring(schedule: Schedule) -> None:
    """What Beat sends."""
    current_app.send_task("jobs.run_schedule", args=[str(schedule.pk)], queue="housekeeping")


def wait_for_the_report() -> Job:
    """The only job, complete, and the only run, which says so."""

    def complete() -> bool:
        settle_scheduled_runs()
        return ScheduleRun.objects.filter(outcome="succeeded").exists()

    wait_until(complete, timeout=60, every=0.5, message="the run has succeeded")
    assert ScheduleRun.objects.count() == 1
    return Job.objects.get(state=State.SUCCEEDED)


def test_two_beats_and_repeated_rings_order_once(stack: Stack, schedule: Schedule, every_second: None) -> None:
    with stack.running("beat"), stack.running("beat", as_name="beat-2"):
        for _ in range(10):
            ring(schedule)
        job = wait_for_the_report()
    at = ScheduleRun.objects.get().scheduled_for
    assert job.payload["parameters"] == {"year": at.astimezone(ZoneInfo("Asia/Tokyo")).year - 1}
    assert Job.objects.count() == 1


def test_a_ring_that_redis_forgot_is_made_up_for_by_the_sweep(stack: Stack, schedule: Schedule) -> None:
    stack.stop("worker-io")
    ring(schedule)
    assert len(messages("housekeeping")) == 1
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushall()
    assert run_due_schedules() == 1
    stack.ensure_workers()
    wait_for_the_report()
    assert Job.objects.count() == 1


def test_a_worker_killed_between_claim_and_order_leaves_the_time_due(stack: Stack, schedule: Schedule) -> None:
    """It has claimed the time, and waits to insert the job. PostgreSQL undoes both."""
    with locked("LOCK TABLE jobs_job IN SHARE MODE"):
        ring(schedule)
        wait_until(a_session_waits_for_a_lock, message="the order waits for the table")
        stack.kill("worker-io")
    before = Schedule.objects.get().next_run_at
    assert before is not None
    assert before < datetime.now(before.tzinfo)
    assert (Job.objects.count(), ScheduleRun.objects.count()) == (0, 0)
    stack.ensure_workers()
    wait_until(lambda: run_due_schedules() == 1, message="the schedule is due again")
    wait_for_the_report()
    assert Job.objects.count() == 1
