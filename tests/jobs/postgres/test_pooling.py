"""Threads that share sessions: what each gets, gives back, and leaves to the next."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction
from django.db.models.functions import Now

from jobs.classification import classify
from jobs.context import JobContext
from jobs.models import Attempt, Job, Queue
from jobs.postgres.advisory_locks import LockClass, lock_key
from jobs.postgres.deadlines import answering_within
from jobs.postgres.pooling import POOLS, release_connection
from jobs.postgres.sessions import SETTINGS, own_connection, short_session
from jobs.postgres.statements import fetch_all
from jobs.states import State
from jobs.worker.execution import execute_job
from tests.support.pools import PID, in_thread, pid, pool_of, setting
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'few sessions'"


def test_without_a_pool_nothing_is_released() -> None:
    before = pid()
    release_connection()
    assert pid() == before


@pytest.mark.usefixtures("alone")
def test_a_released_session_goes_to_the_next_thread() -> None:
    mine = pid()
    release_connection()
    assert in_thread(pid) == mine
    assert pid() == mine, "and back"


@pytest.mark.usefixtures("alone")
def test_a_transaction_keeps_its_session() -> None:
    with transaction.atomic():
        mine = pid()
        release_connection()
        assert connection.connection is not None
        assert pid() == mine


@pytest.mark.usefixtures("alone")
def test_a_thread_that_gets_no_session_gets_an_error_in_time_that_is_retried() -> None:
    pid()
    began = time.monotonic()
    with pytest.raises(OperationalError) as raised:
        in_thread(pid)
    assert 1 <= time.monotonic() - began < 5
    failure = classify(raised.value)
    assert (failure.permanent, failure.code) == (False, "database-error")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("statement_timeout", "'7s'"),
        ("application_name", "'of a handler'"),
        ("timezone", "'Asia/Tokyo'"),
        ("jit", "on"),
    ],
)
def test_a_setting_does_not_reach_the_next_user(name: str, value: str) -> None:
    before = setting(name)
    with connection.cursor() as cursor:
        cursor.execute(f"SET {name} = {value}")
    assert setting(name) != before
    release_connection()
    assert setting(name) == before


@pytest.mark.usefixtures("alone")
def test_the_bounds_of_a_short_check_do_not_reach_the_next_user() -> None:
    with answering_within(5):
        assert setting("statement_timeout") == "4s"
        release_connection()
    assert setting("statement_timeout") == "0"


@pytest.mark.usefixtures("alone")
def test_an_advisory_lock_does_not_reach_the_next_user() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [lock_key(LockClass.SWEEP, "x")])
    release_connection()
    held = "SELECT count(*) AS held FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    assert fetch_all(held) == [{"held": 0}]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("name", SETTINGS)
def test_each_session_is_configured(name: str) -> None:
    assert setting(name) == SETTINGS[name]


@pytest.mark.usefixtures("alone")
def test_statements_stay_prepared_in_the_session() -> None:
    for _ in range(3):
        pid()
        release_connection()
    found = fetch_all(
        "SELECT count(*) AS prepared FROM pg_prepared_statements WHERE statement LIKE %(text)s", text=f"{PID}%"
    )
    assert found == [{"prepared": 1}]


@pytest.mark.usefixtures("alone")
def test_own_and_short_sessions_are_not_of_the_pool() -> None:
    shared = pid()
    own = own_connection()
    with short_session(DEFAULT_DB_ALIAS) as short:
        pids = set()
        for each in (own, short):
            with each.cursor() as cursor:
                cursor.execute(PID)
                pids.add(cursor.fetchone()[0])
    own.close()
    assert len(pids | {shared}) == 3
    assert connection.settings_dict["OPTIONS"]["pool"] is True


def test_the_pool_recovers_when_the_server_has_ended_its_sessions(database_url: str) -> None:
    """As after a restart. Nobody sees an error, as the sessions were idle."""
    with pool_of(4), psycopg.connect(database_url, autocommit=True) as other:
        together = threading.Barrier(4)

        def use() -> int:
            found = pid()
            together.wait(10)
            return found

        def used() -> set[int]:
            with ThreadPoolExecutor(4) as executor:
                return set(executor.map(lambda _: in_thread(use), range(4)))

        before = used()
        assert len(before) == 4
        release_connection()
        other.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [list(before)])
        began = time.monotonic()
        assert not used() & before
        assert time.monotonic() - began < 5


def test_many_threads_run_attempts_over_few_sessions(
    kind_of: Callable[..., str], make_job: Callable[..., Job], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each handler reads, gives its session back, and waits until all of them wait."""
    shared = connections.settings[DEFAULT_DB_ALIAS]  # services of earlier tests may have sessions, too
    monkeypatch.setitem(shared, "OPTIONS", {**shared["OPTIONS"], "application_name": "few sessions"})
    count = 100
    Queue.objects.update(paused=True)  # nobody else takes the places that become free
    together = threading.Barrier(count + 1)
    seen: list[int] = []

    def handler(context: JobContext) -> dict[str, Any]:
        context.report_progress(1, total=1)
        Job.objects.only("pk").get(pk=context.job.pk)
        release_connection()
        together.wait(60)
        return {}

    kind_of(handler)
    jobs = [make_job() for _ in range(count)]
    watching = threading.Event()

    def watch() -> None:
        with psycopg.connect(database_url, autocommit=True) as other:
            while not watching.wait(0.02):
                seen.append(other.execute(COUNT).fetchone()[0])  # type: ignore[index]

    with pool_of(6), ThreadPoolExecutor(count + 1) as executor:
        others = executor.submit(watch)
        running = [executor.submit(execute_job, job.pk, worker="w") for job in jobs]
        together.wait(60)
        wait_until(lambda: Job.objects.filter(progress_done=1).count() == count, timeout=20)
        release_connection()
        ends = [each.result(60) for each in running]
        watching.set()
        others.result(10)
    assert {end and end.outcome for end in ends} == {"succeeded"}
    assert Job.objects.filter(state=State.SUCCEEDED).count() == count
    assert 6 <= max(seen) <= 8


def test_an_attempt_that_gets_no_session_for_a_while_is_finished_all_the_same(
    kind_of: Callable[..., str], make_job: Callable[..., Job]
) -> None:
    Queue.objects.update(paused=True)
    taken = threading.Event()

    def in_vain() -> int:
        return int(POOLS[DEFAULT_DB_ALIAS].get_stats().get("requests_errors", 0))

    def take() -> None:
        pid()
        taken.set()
        wait_until(lambda: in_vain() >= 2)

    with pool_of(1, timeout_seconds=0.3), ThreadPoolExecutor(2) as executor:
        waiting: list[Any] = []

        def handler(context: JobContext) -> None:
            waiting.append(executor.submit(in_thread, take))
            assert taken.wait(10)

        kind_of(handler)
        job = make_job()
        release_connection()
        executor.submit(in_thread, lambda: execute_job(job.pk, worker="w")).result(30)
        waiting[0].result(10)
        assert Job.objects.get(pk=job.pk).state == State.SUCCEEDED
        assert Attempt.objects.count() == 1


def test_a_job_that_cannot_be_claimed_for_want_of_a_session_keeps_its_place(
    kind_of: Callable[..., str], make_job: Callable[..., Job]
) -> None:
    kind_of(lambda context: None)
    job = make_job(released_at=Now())
    with pool_of(1, timeout_seconds=0.2):
        pid()
        with pytest.raises(OperationalError):
            in_thread(lambda: execute_job(job.pk, worker="w"))
        job.refresh_from_db()
    assert (job.state, job.attempt_count, job.released_at is None) == (State.QUEUED, 0, False)
