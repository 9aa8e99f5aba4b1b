"""What the thread beside the handler does: keep, write, stop."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.errors import LeaseLostError, StalledError, WorkerStoppingError
from jobs.kinds import Kind, register_kind
from jobs.models import Attempt, Job
from jobs.states import Outcome, State
from jobs.worker import heartbeat
from jobs.worker.beating import beat
from jobs.worker.execution import execute_job
from jobs.worker.heartbeat import Heartbeat, percent
from jobs.worker.transitions import claim_job, hand_back_job
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]


@pytest.fixture
def context(make_job: Callable[..., Job]) -> JobContext:
    attempt = claim_job(make_job().pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    return JobContext(attempt, lease_seconds=60)


def beat_all(*heartbeats: Heartbeat) -> None:
    beat(heartbeats, database=connection)


def until_stopped(context: JobContext) -> None:
    def goes_on() -> None:
        context.check()

    wait_until(goes_on, timeout=10)


def test_an_attempt_without_progress_counts_as_lost(
    kind_of: Callable[..., str], make_job: Callable[..., Job], stored: Callable[[], set[str]]
) -> None:
    kind_of(lambda context: None)
    register_kind(Kind("stalls", "reports", until_stopped, stall_timeout_seconds=0.5))
    job = make_job(kind="stalls")
    execute_job(job.pk, worker="w")
    job.refresh_from_db()
    attempt = Attempt.objects.get()
    assert (job.state, attempt.outcome) == (State.FAILED, Outcome.LOST)
    assert job.error_class == attempt.error_class == "jobs.errors.StalledError"
    assert job.error_message == "The job made no progress for 0.5 seconds."
    assert [event.name for event in job.events.all()] == ["started", "rescued"]


def test_progress_keeps_an_attempt_from_stalling(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=1)
    for done in range(1, 4):
        beats.progressed_at -= 5
        context.report_progress(done)
        beat_all(beats)
        assert context.stop_reason is None
    beats.progressed_at -= 5
    beat_all(beats)
    assert isinstance(context.stop_reason, StalledError)


def test_a_lease_that_began_long_before_the_heartbeat_is_renewed_at_once(context: JobContext) -> None:
    assert "lease" not in Heartbeat(context, None).look(peak_memory_bytes=0)
    late = JobContext(context.attempt, lease_seconds=60, asked_at=time.monotonic() - 30)
    assert Heartbeat(late, None).look(peak_memory_bytes=0)["lease"] == 60


def test_a_stalled_attempt_is_not_renewed(context: JobContext) -> None:
    before = Job.objects.get().lease_expires_at
    beats = Heartbeat(context, stall_timeout_seconds=1)
    beats.progressed_at -= 5
    beats.renewed_at -= 30
    beat_all(beats)
    assert Job.objects.get().lease_expires_at == before


def test_the_lease_is_renewed_when_a_third_of_it_has_passed(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=None)
    before = Job.objects.get().lease_expires_at
    beats.renewed_at -= 19
    beat_all(beats)
    assert Job.objects.get().lease_expires_at == before
    beats.renewed_at -= 2
    deadline = context.lease_deadline
    beat_all(beats)
    after = Job.objects.get().lease_expires_at
    assert before is not None
    assert after is not None
    assert after > before
    assert context.lease_deadline > deadline


def test_the_handler_notices_by_itself_that_no_renewal_came_through(context: JobContext) -> None:
    context.lease_deadline -= 61
    with pytest.raises(LeaseLostError):
        context.check()


def test_a_worker_that_stops_leaves_short_jobs_alone_and_stops_long_ones(
    context: JobContext, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HAND_BACK_AFTER_SECONDS = 10
    beats = Heartbeat(context, stall_timeout_seconds=None)
    beat_all(beats)
    monkeypatch.setattr(heartbeat, "is_stopping", lambda: True)
    beat_all(beats)
    assert context.stop_reason is None
    assert beats.stopping_since is not None
    beats.stopping_since -= 10
    beat_all(beats)
    assert isinstance(context.stop_reason, WorkerStoppingError)


def test_a_job_handed_back_burns_no_attempt(
    kind_of: Callable[..., str], make_job: Callable[..., Job], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HAND_BACK_AFTER_SECONDS = 0
    monkeypatch.setattr(heartbeat, "is_stopping", lambda: True)
    kind_of(until_stopped)
    job = make_job()
    execute_job(job.pk, worker="w")
    job.refresh_from_db()
    assert (job.state, job.attempt_count, job.released_at, job.lease_expires_at) == (State.QUEUED, 0, None, None)
    assert Attempt.objects.get().outcome == Outcome.HANDED_BACK
    assert [event.name for event in job.events.all()] == ["started", "handed_back"]


def test_milestones_stand_in_the_timeline_once(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=None)
    for done in (1, 26, 30, 80, 99):
        context.report_progress(done, total=100)
        beat_all(beats)
    events = [(event.details["percent"], event.details["rows"]) for event in context.job.events.filter(name="progress")]
    assert events == [(25, 26), (75, 80)]


def test_a_job_that_was_finished_during_a_beat_reaches_no_milestone(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=None)
    context.report_progress(50, total=100)
    Job.objects.update(state=State.SUCCEEDED)
    beat_all(beats)
    assert not context.job.events.filter(name="progress").exists()


@pytest.mark.parametrize(
    ("done", "total", "expected"), [(0, None, 0), (5, 10, 50), (10, 10, 99), (11, 10, 99), (1, 0, 0)]
)
def test_only_a_finished_job_is_at_100_percent(done: int, total: int | None, expected: int) -> None:
    assert partial(percent, done)(total) == expected


def test_the_rate_of_rows_is_written_with_them_from_the_first_one_on(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=None)
    context.report_progress(0, total=100)
    beat_all(beats)
    job = Job.objects.get()
    assert (job.progress_total, job.progress_rate, job.progress_began_at) == (100, None, None)
    assert job.progress_samples is None
    context.report_progress(50)
    assert context.rows_began_at is not None
    context.rows_began_at -= 10
    beat_all(beats)
    job.refresh_from_db()
    assert job.progress_rate == pytest.approx(5, rel=0.05)
    assert job.progress_began_at is not None
    assert (job.updated_at - job.progress_began_at).total_seconds() == pytest.approx(10, abs=0.5)
    assert job.progress_samples == [0, 0, pytest.approx(10_000, abs=500), 50]


def test_while_no_rows_come_each_renewal_of_the_lease_tells_of_a_lower_rate(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=None)
    context.report_progress(50, total=100)
    context.rows_began_at = time.monotonic() - 10
    beat_all(beats)
    assert beats.rate.began_at is not None
    beats.rate.began_at -= 10  # ten more seconds have passed
    beats.renewed_at -= 21
    beat_all(beats)
    job = Job.objects.get()
    assert job.progress_rate == pytest.approx(5 / 4, rel=0.05)
    assert job.progress_done == 50


def test_the_next_attempt_begins_without_a_rate(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=None)
    context.report_progress(50, total=100)
    context.rows_began_at = time.monotonic() - 10
    beat_all(beats)
    hand_back_job(context.attempt)
    Job.objects.update(released_at=Now())
    assert claim_job(context.attempt.job_id, worker="w", celery_task_id="", lease_seconds=60)
    job = Job.objects.get()
    assert (job.progress_done, job.progress_total, job.progress_rate, job.progress_began_at) == (0, None, None, None)
    assert job.progress_samples is None
