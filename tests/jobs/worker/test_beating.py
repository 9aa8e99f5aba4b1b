"""The thread and the statement that all attempts of a process share."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from jobs.context import JobContext
from jobs.errors import CancelRequestedError, LeaseLostError
from jobs.models import Attempt, Event, Job
from jobs.states import State
from jobs.worker import beating as module
from jobs.worker import heartbeat
from jobs.worker.beating import beat, beating
from jobs.worker.heartbeat import Heartbeat
from jobs.worker.transitions import claim_job
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]

#: Seconds. In a table that its transaction keeps locked, PostgreSQL answers nobody.
LEASE = 60


@pytest.fixture
def claimed(make_job: Callable[..., Job]) -> Callable[[], JobContext]:
    """Claim a new job; returns its context."""

    def claim() -> JobContext:
        attempt = claim_job(make_job().pk, worker="w", celery_task_id="", lease_seconds=LEASE)
        assert attempt is not None
        return JobContext(attempt, lease_seconds=LEASE)

    return claim


@pytest.fixture
def context(claimed: Callable[[], JobContext]) -> JobContext:
    return claimed()


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick every 50 ms."""
    wait_until(lambda: not threads())
    monkeypatch.setattr(heartbeat, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(module, "TICK_SECONDS", 0.05)


@contextmanager
def locked(job: Job, database_url: str, *, table: bool = False) -> Iterator[None]:
    """Somebody else holds the row of this job, or the whole table."""
    with psycopg.connect(database_url) as other:
        if table:
            other.execute("LOCK TABLE jobs_job")
        else:
            other.execute("SELECT FROM jobs_job WHERE id = %s FOR NO KEY UPDATE", [job.pk])
        yield


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def due(context: JobContext) -> Heartbeat:
    """The heartbeat of an attempt whose lease is to be renewed."""
    found = Heartbeat(context, None)
    found.renewed_at -= LEASE / 2
    return found


def lease_of(context: JobContext) -> Any:
    return Job.objects.get(pk=context.job.pk).lease_expires_at


def test_one_statement_beats_for_all(
    claimed: Callable[[], JobContext], django_assert_num_queries: Callable[..., Any]
) -> None:
    """Each in its own way: one goes on, one has progress, one is cancelled, one was taken away, one is gone."""
    contexts = [claimed() for _ in range(5)]
    beats = [Heartbeat(context, None) for context in contexts]
    _, busy, cancelled, taken, gone = contexts
    busy.report_progress(30, total=60)
    Job.objects.filter(pk=cancelled.job.pk).update(cancel_requested_at="2026-01-01T00:00Z")
    Job.objects.filter(pk=taken.job.pk).update(fencing_token=7)
    Attempt.objects.filter(job=gone.job).delete()
    Event.objects.filter(job=gone.job).delete()
    Job.objects.filter(pk=gone.job.pk).delete()
    with django_assert_num_queries(1):
        beat(beats, database=connection)
    assert [type(context.stop_reason) for context in contexts] == [
        type(None), type(None), CancelRequestedError, LeaseLostError, LeaseLostError
    ]  # fmt: skip
    assert list(Job.objects.order_by("pk").values_list("progress_done", flat=True)) == [0, 30, 0, 0]
    assert [event.details for event in Event.objects.filter(name="progress")] == [
        {"attempt": 1, "percent": 50, "rows": 30}
    ]


def test_an_attempt_with_nothing_new_writes_nothing(claimed: Callable[[], JobContext]) -> None:
    contexts = [claimed() for _ in range(3)]
    beats = [Heartbeat(context, None) for context in contexts]
    beat(beats, database=connection)  # the first one tells of the memory
    versions = "SELECT array_agg(jobs_job.xmin::text || jobs_job.xmax::text ORDER BY id) FROM jobs_job"
    with connection.cursor() as cursor:
        cursor.execute(versions)
        before = cursor.fetchall()
        beat(beats, database=connection)
        cursor.execute(versions)
        assert cursor.fetchall() == before


def test_a_locked_row_holds_up_no_other_and_is_tried_again(
    claimed: Callable[[], JobContext], database_url: str
) -> None:
    stuck, free = claimed(), claimed()
    beats = [due(stuck), due(free)]
    stuck.report_progress(50, total=100)
    before, deadline = lease_of(stuck), stuck.lease_deadline
    with locked(stuck.job, database_url):
        freed, ends = lease_of(free), free.lease_deadline
        beat(beats, database=connection)
        assert (lease_of(stuck), stuck.lease_deadline, stuck.stop_reason) == (before, deadline, None)
        assert lease_of(free) > freed
        assert free.lease_deadline > ends
        assert not Event.objects.filter(name="progress").exists()
    beat(beats, database=connection)
    assert lease_of(stuck) > before
    assert stuck.lease_deadline > deadline
    assert [event.details["percent"] for event in Event.objects.filter(name="progress")] == [50]


def test_progress_is_no_stall_while_its_row_is_locked(context: JobContext, database_url: str) -> None:
    beats = Heartbeat(context, 1)
    with locked(context.job, database_url):
        for done in range(1, 4):
            beats.progressed_at -= 5
            context.report_progress(done)
            beat([beats], database=connection)
    assert context.stop_reason is None
    assert Job.objects.get().progress_done == 0


@pytest.mark.usefixtures("fast")
def test_a_row_that_stays_locked_until_its_lease_has_ended_ends_the_attempt(
    context: JobContext, database_url: str
) -> None:
    context.lease_deadline = time.monotonic() + 0.5
    with locked(context.job, database_url), beating(context):
        wait_until(lambda: context.stop_reason is not None, timeout=10)
    assert isinstance(context.stop_reason, LeaseLostError)


@pytest.mark.usefixtures("fast")
def test_a_table_that_is_locked_for_longer_than_a_lease_ends_that_attempt_only(
    claimed: Callable[[], JobContext], database_url: str
) -> None:
    """As behind an ALTER TABLE that waits for a long reader: PostgreSQL is well, and does not answer."""
    first, other = claimed(), claimed()
    first.lease_deadline = time.monotonic() + 1
    with locked(first.job, database_url, table=True), beating(first), beating(other):
        wait_until(lambda: first.stop_reason is not None, timeout=10)
    assert isinstance(first.stop_reason, LeaseLostError)
    assert other.stop_reason is None


@pytest.mark.usefixtures("fast")
def test_a_database_out_of_reach_for_a_lease_ends_the_attempt(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections are cut again and again; the deadline passes."""
    context.lease_deadline = time.monotonic() + 0.5

    def cut(heartbeats: list[Heartbeat], *, database: BaseDatabaseWrapper) -> None:
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(module, "beat", cut)
    with beating(context):
        wait_until(lambda: context.stop_reason is not None, timeout=10)
    assert isinstance(context.stop_reason, LeaseLostError)


def test_values_that_postgresql_refuses_cost_only_their_own_attempt(claimed: Callable[[], JobContext]) -> None:
    contexts = [claimed() for _ in range(5)]
    beats = [due(context) for context in contexts]
    before = [context.lease_deadline for context in contexts]
    contexts[1].report_details(phase="a\x00b")
    contexts[3].report_progress(2**63)
    beat(beats, database=connection)
    is_renewed = [context.lease_deadline > deadline for context, deadline in zip(contexts, before, strict=True)]
    assert is_renewed == [True, False, True, False, True]


def test_details_that_are_not_json_cost_only_their_own_attempt(claimed: Callable[[], JobContext]) -> None:
    good, bad = claimed(), claimed()
    beats = [due(bad), due(good)]
    before = good.lease_deadline, bad.lease_deadline
    bad.report_details(phase=object())
    beat(beats, database=connection)
    assert good.lease_deadline > before[0]
    assert bad.lease_deadline == before[1]


def test_a_server_that_went_away_is_no_fault_of_the_values(claimed: Callable[[], JobContext]) -> None:
    """Nothing is divided: each half would wait for the server, too."""
    beats = [due(claimed()) for _ in range(4)]
    asked = 0

    def cut(execute: Callable[..., Any], *rest: Any) -> Any:
        nonlocal asked
        asked += 1
        raise OperationalError("the connection is lost")

    with connection.execute_wrapper(cut), pytest.raises(OperationalError):
        beat(beats, database=connection)
    assert asked == 1


@pytest.mark.usefixtures("fast")
def test_an_interrupt_that_takes_long_holds_up_no_lease(claimed: Callable[[], JobContext]) -> None:
    """Such as the cancellation of a statement of a server that does not answer."""
    slow, other = claimed(), claimed()
    release, called = threading.Event(), threading.Event()

    def interrupt() -> None:
        called.set()
        release.wait(10)

    with beating(slow), beating(other), slow.interruptible(interrupt):
        Job.objects.filter(pk=slow.job.pk).update(cancel_requested_at="2026-01-01T00:00Z")
        assert called.wait(10)
        other.report_progress(3)
        wait_until(lambda: Job.objects.get(pk=other.job.pk).progress_done == 3)
        assert len([thread for thread in threading.enumerate() if thread.name == "interrupt"]) == 1
        release.set()
    assert isinstance(slow.stop_reason, CancelRequestedError)


def test_the_end_of_an_attempt_waits_for_an_interrupt_that_has_begun(context: JobContext) -> None:
    """It might reach the statement that ends the attempt instead."""
    release, called, over = threading.Event(), threading.Event(), threading.Event()

    def interrupt() -> None:
        called.set()
        release.wait(10)
        over.set()

    beats = Heartbeat(context, None)
    with context.interruptible(interrupt):
        context.give_reason(CancelRequestedError("cancel"))
        beats.enforce()
        assert called.wait(10)
    release.set()
    beats.end()
    assert over.is_set()


def test_an_attempt_that_has_ended_is_not_stopped_any_more(context: JobContext) -> None:
    beats = Heartbeat(context, None)
    beats.look(peak_memory_bytes=0)
    beats.end()
    beats.learn(state=None, cancel_requested=False, is_written=False)
    context.lease_deadline -= LEASE + 1
    beats.enforce()
    assert context.stop_reason is None


@pytest.mark.usefixtures("fast")
def test_attempts_share_a_thread_and_a_session(claimed: Callable[[], JobContext], database_url: str) -> None:
    contexts = [claimed() for _ in range(20)]
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE %s"
    with ExitStack() as stack, psycopg.connect(database_url, autocommit=True) as other:
        for context in contexts:
            stack.enter_context(beating(context))
            context.report_progress(1)
        wait_until(lambda: Job.objects.filter(progress_done=1).count() == 20)
        assert len(threads()) == 1
        assert other.execute(sessions, ["WITH asked AS%"]).fetchone() == (1,)


@pytest.mark.usefixtures("fast")
def test_small_jobs_share_a_thread_which_ends_when_no_more_come(context: JobContext, database_url: str) -> None:
    """Its session, too: nobody can say when the next job comes."""
    seen = set()
    for _ in range(5):
        with beating(context):
            seen.update(threads())
    assert len(seen) == 1
    with beating(context):
        wait_until(lambda: Attempt.objects.get().peak_memory_bytes)
    wait_until(lambda: not threads())


def test_a_shorter_interval_counts_at_once(claimed: Callable[[], JobContext], monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease of one attempt may be shorter than those of the others."""
    wait_until(lambda: not threads())
    monkeypatch.setattr(heartbeat, "TICK_SECONDS", 60)
    long, short = claimed(), claimed()
    short.lease_seconds = 0.3
    changed: Any = module._ticker._changed
    with beating(long):
        wait_until(lambda: changed._waiters, message="the thread waits for the end of the long interval")
        with beating(short):
            short.report_progress(1)
            wait_until(lambda: Job.objects.get(pk=short.job.pk).progress_done == 1, timeout=10)


def test_the_end_of_a_longer_interval_is_not_waited_for(
    claimed: Callable[[], JobContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt that it belonged to has ended."""
    wait_until(lambda: not threads())
    changed: Any = module._ticker._changed
    with monkeypatch.context() as patch:
        patch.setattr(heartbeat, "TICK_SECONDS", 60)
        long = claimed()
        long.lease_seconds = 180
        with beating(long):
            wait_until(lambda: changed._waiters, message="the thread waits for the end of the long interval")
    later = claimed()
    with beating(later):
        later.report_progress(1)
        wait_until(lambda: Job.objects.get(pk=later.job.pk).progress_done == 1, timeout=10)


def test_a_thread_that_did_not_survive_a_fork_is_replaced(context: JobContext) -> None:
    """Forked by hand: in the child, the thread that its parent began is not there."""
    with beating(context):
        pass
    child = os.fork()
    if child == 0:  # pragma: no cover
        with beating(context):
            os._exit(0 if threads() else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_lock_that_another_thread_held_at_the_fork_stops_nobody(context: JobContext) -> None:
    """In the child, that thread is not there to release it."""
    is_held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with module._ticker._changed:
            is_held.set()
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(10)
    child = os.fork()
    if child == 0:  # pragma: no cover
        signal.alarm(10)  # if it waits for the lock
        with beating(context):
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    release.set()
    holder.join(10)


def test_what_an_attempt_reports_is_guarded_by_its_fencing_token(context: JobContext) -> None:
    beats = due(context)
    context.report_progress(50, total=100)
    beats.memory_written = 2**62
    Job.objects.update(state=State.SUCCEEDED)
    before = Job.objects.values().get()
    beat([beats], database=connection)
    assert Job.objects.values().get() == before
    assert not Event.objects.filter(name="progress").exists()
