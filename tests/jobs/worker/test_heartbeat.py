"""What the thread beside the handler does: keep, write, stop."""

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.errors import LeaseLostError, StalledError, WorkerStoppingError
from jobs.kinds import Kind, register_kind
from jobs.models import Attempt, Job
from jobs.states import Outcome, State
from jobs.worker import heartbeat
from jobs.worker.execution import execute_job
from jobs.worker.heartbeat import Heartbeat, beating, percent
from jobs.worker.transitions import claim_job, hand_back_job
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]


@pytest.fixture
def context(make_job: Callable[..., Job]) -> JobContext:
    attempt = claim_job(make_job().pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    return JobContext(attempt, lease_seconds=60)


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
        beats.beat()
        assert context.stop_reason is None
    beats.progressed_at -= 5
    beats.beat()
    assert isinstance(context.stop_reason, StalledError)


def test_a_stalled_attempt_is_not_renewed(context: JobContext) -> None:
    before = Job.objects.get().lease_expires_at
    beats = Heartbeat(context, stall_timeout_seconds=1)
    beats.progressed_at -= 5
    beats.renewed_at -= 30
    beats.beat()
    assert Job.objects.get().lease_expires_at == before


def test_the_lease_is_renewed_when_a_third_of_it_has_passed(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=None)
    before = Job.objects.get().lease_expires_at
    beats.renewed_at -= 19
    beats.beat()
    assert Job.objects.get().lease_expires_at == before
    beats.renewed_at -= 2
    deadline = context.lease_deadline
    beats.beat()
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
    beats.beat()
    monkeypatch.setattr(heartbeat, "is_stopping", lambda: True)
    beats.beat()
    assert context.stop_reason is None
    assert beats.stopping_since is not None
    beats.stopping_since -= 10
    beats.beat()
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
        beats.beat()
    events = [(event.details["percent"], event.details["rows"]) for event in context.job.events.filter(name="progress")]
    assert events == [(25, 26), (75, 80)]


def test_a_job_that_was_finished_during_a_beat_reaches_no_milestone(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=None)
    context.report_progress(50, total=100)
    Job.objects.update(state=State.SUCCEEDED)
    beats.look_at_progress()
    assert not context.job.events.filter(name="progress").exists()


def test_a_database_out_of_reach_for_a_lease_ends_the_attempt(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections are cut again and again; the deadline passes."""
    monkeypatch.setattr(heartbeat, "TICK_SECONDS", 0.05)
    context.lease_deadline -= 59.5

    def cut(self: Heartbeat) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(Heartbeat, "beat", cut)
    with beating(context):
        wait_until(lambda: context.stop_reason is not None, timeout=10)
    assert isinstance(context.stop_reason, LeaseLostError)


def heartbeats() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def test_a_table_that_is_locked_for_longer_than_the_lease_ends_the_attempt(
    context: JobContext, database_url: str
) -> None:
    """As behind an ALTER TABLE that waits for a long reader: PostgreSQL is well, and does not answer."""
    beats = Heartbeat(context, stall_timeout_seconds=None)
    context.lease_deadline = time.monotonic() + 1
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE jobs_job")
        beats.tick()
    assert isinstance(context.stop_reason, LeaseLostError)


def test_small_jobs_share_a_thread_which_ends_when_no_more_come(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_until(lambda: not heartbeats())
    monkeypatch.setattr(heartbeat, "TICK_SECONDS", 0.2)
    seen = set()
    for _ in range(5):
        with beating(context):
            seen.update(heartbeats())
    assert len(seen) == 1
    wait_until(lambda: not heartbeats())


def test_the_thread_of_a_long_job_ends_with_it(context: JobContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection to PostgreSQL, too: nobody can say when the next job comes."""
    monkeypatch.setattr(heartbeat, "TICK_SECONDS", 0.05)
    ticks: list[Heartbeat] = []
    monkeypatch.setattr(Heartbeat, "beat", lambda self: ticks.append(self))
    others = set(heartbeats())  # of the jobs of other tests: a small one's waits for the next
    with beating(context):
        wait_until(lambda: ticks)
        mine = set(heartbeats()) - others
    assert mine
    assert not mine & set(heartbeats())


def test_a_thread_that_did_not_survive_a_fork_is_replaced(context: JobContext) -> None:
    """Forked by hand: in the child, the thread that its parent began is not there."""
    with beating(context):
        pass
    child = os.fork()
    if child == 0:  # pragma: no cover
        with beating(context):
            os._exit(0 if heartbeats() else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    ("done", "total", "expected"), [(0, None, 0), (5, 10, 50), (10, 10, 99), (11, 10, 99), (1, 0, 0)]
)
def test_only_a_finished_job_is_at_100_percent(done: int, total: int | None, expected: int) -> None:
    assert partial(percent, done)(total) == expected


def test_the_rate_of_rows_is_written_with_them_from_the_first_one_on(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=None)
    context.report_progress(0, total=100)
    beats.beat()
    job = Job.objects.get()
    assert (job.progress_total, job.progress_rate, job.progress_began_at) == (100, None, None)
    assert job.progress_samples is None
    context.report_progress(50)
    assert context.rows_began_at is not None
    context.rows_began_at -= 10
    beats.beat()
    job.refresh_from_db()
    assert job.progress_rate == pytest.approx(5, rel=0.05)
    assert job.progress_began_at is not None
    assert (job.updated_at - job.progress_began_at).total_seconds() == pytest.approx(10, abs=0.5)
    assert job.progress_samples == [0, 0, pytest.approx(10_000, abs=500), 50]


def test_while_no_rows_come_each_renewal_of_the_lease_tells_of_a_lower_rate(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=None)
    context.report_progress(50, total=100)
    context.rows_began_at = time.monotonic() - 10
    beats.beat()
    assert beats.rate.began_at is not None
    beats.rate.began_at -= 10  # ten more seconds have passed
    beats.renewed_at -= 21
    beats.beat()
    job = Job.objects.get()
    assert job.progress_rate == pytest.approx(5 / 4, rel=0.05)
    assert job.progress_done == 50


def test_the_next_attempt_begins_without_a_rate(context: JobContext) -> None:
    beats = Heartbeat(context, stall_timeout_seconds=None)
    context.report_progress(50, total=100)
    context.rows_began_at = time.monotonic() - 10
    beats.beat()
    hand_back_job(context.attempt)
    Job.objects.update(released_at=Now())
    assert claim_job(context.attempt.job_id, worker="w", celery_task_id="", lease_seconds=60)
    job = Job.objects.get()
    assert (job.progress_done, job.progress_total, job.progress_rate, job.progress_began_at) == (0, None, None, None)
    assert job.progress_samples is None
