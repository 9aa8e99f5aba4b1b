"""A report that is paced: its rate, its dials while it runs, and what it leaves in its attempt."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from jobs.estimates.estimate import estimate
from jobs.interventions.dials import set_dials
from jobs.models import Attempt, Job, Queue, TypeDials
from jobs.pacing import auto, governor, pressure
from jobs.pacing.auto import SHARE_OF_ROWS
from jobs.pacing.pressure import Probe
from jobs.states import State
from tests.support.servers import throw_away
from tests.support.threads import Threads
from tests.support.waiting import wait_until

#: Wide enough that the server cannot hand over all of it before anybody reads.
WIDE = "SELECT i, repeat('x', 1000) AS x FROM generate_series(1, 20000) i"
MANY = "SELECT i FROM generate_series(1, 2000000) i"

pytestmark = pytest.mark.slow  # it takes time to see a pace


def rows() -> int:
    """What the attempt has told of its progress."""
    return Job.objects.values_list("progress_done", flat=True).first() or 0


def conditions() -> dict[str, Any]:
    return Attempt.objects.values_list("conditions", flat=True).first() or {}


def test_rows_flow_at_the_rate_the_server_waits_and_the_end_is_foreseen_half_way(
    report_of: Callable[..., str], run: Callable[..., Any]
) -> None:
    Queue.objects.filter(name="reports").update(rows_per_second=4000)
    began = time.monotonic()
    running = run(report_of(WIDE))
    waits = "SELECT wait_event FROM pg_stat_activity WHERE application_name LIKE 'longhaul 0%%'"

    def server_waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(waits)
            return ("ClientWrite",) in cursor.fetchall()

    wait_until(server_waits)
    wait_until(lambda: rows() >= 10_000)
    half_way, foreseen = time.monotonic(), estimate(Job.objects.get()).left
    finished = running.result(timeout=20)
    took = time.monotonic() - began
    assert foreseen == pytest.approx(began + took - half_way, rel=0.25)
    assert (finished.job.state, finished.job.result) == (State.SUCCEEDED, {"rowCount": 20_000})
    assert took >= 20_000 / 4000 * 0.97
    kept = conditions()
    assert (kept["database"], kept["pace"], kept["rowsPerSecond"]) == ("default", "fixed", 4000)
    assert kept["waitedSeconds"] > 3


def test_a_dial_that_is_turned_counts_for_what_runs(report_of: Callable[..., str], run: Callable[..., Any]) -> None:
    Queue.objects.filter(name="reports").update(rows_per_second=10)
    running = run(report_of(WIDE))
    wait_until(lambda: rows() > 0)
    assert rows() < 1000
    set_dials("reports", actor="grace", reason="the night is over", rows_per_second=None)
    assert running.result(timeout=5).job.state == State.SUCCEEDED


def test_the_dials_of_its_type_count_too_and_may_be_turned_down(
    report_of: Callable[..., str], run: Callable[..., Any]
) -> None:
    running = run(report_of(WIDE, rows_per_second=300))
    wait_until(lambda: rows() > 0)
    own = TypeDials.objects.create(kind="report", type="made", rows_per_second=1)
    slow = wait_until(lambda: conditions().get("rowsPerSecond") == 1 and rows(), timeout=10)
    assert slow < 5000
    own.delete()
    Queue.objects.filter(name="reports").update(rows_per_second=1)  # the class says something else
    TypeDials.objects.create(kind="report", type="made", rows_per_second=1_000_000)
    assert running.result(timeout=5).job.state == State.SUCCEEDED


def test_a_statement_timeout_that_is_turned_down_ends_what_runs(
    report_of: Callable[..., str], run: Callable[..., Any]
) -> None:
    running = run(report_of(WIDE, rows_per_second=10))
    wait_until(lambda: rows() > 0)
    set_dials("reports", actor="grace", reason="too long", statement_timeout_seconds=1)
    finished = running.result(timeout=5)
    assert finished.job.state == State.FAILED
    assert finished.error == ("time-limit", "The query exceeded its time limit.")
    assert conditions()["rowsPerSecond"] == 10


def test_dials_that_cannot_be_read_stay_as_they_were(
    report_of: Callable[..., str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governor, "LOOK_SECONDS", 0.2)
    running = run(report_of(WIDE, rows_per_second=10_000))
    wait_until(lambda: rows() > 0)
    name = connection.settings_dict["NAME"]
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND query LIKE %s"
    with psycopg.connect(throw_away.database_url("postgres"), autocommit=True) as other:
        wait_until(lambda: other.execute(ended, [name, "%jobs_typedials%"]).fetchall())
    assert running.result(timeout=20).job.state == State.SUCCEEDED
    assert conditions()["rowsPerSecond"] == 10_000


def test_a_session_that_ended_after_the_last_look_costs_no_conditions(
    report_of: Callable[..., str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governor, "LOOK_SECONDS", 60)
    running = run(report_of(WIDE, rows_per_second=10_000))
    wait_until(lambda: rows() > 0)
    name = connection.settings_dict["NAME"]
    ended = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND state = 'idle'"
        " AND query LIKE %s AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(throw_away.database_url("postgres"), autocommit=True) as other:
        wait_until(lambda: other.execute(ended, [name, "%jobs_typedials%"]).fetchall())
    assert running.result(timeout=20).job.state == State.SUCCEEDED
    assert conditions()["rowsPerSecond"] == 10_000


def test_auto_stays_below_the_dial_and_slows_down_while_the_database_does_not_answer(
    report_of: Callable[..., str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governor, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(auto, "SAMPLE_SECONDS", 0.1)
    monkeypatch.setattr(governor, "TELL_SECONDS", 0.1)
    monkeypatch.setattr(auto, "LEFT_ALONE_SECONDS", 0.2)
    monkeypatch.setattr(pressure, "ACTIVE_SESSIONS", "SELECT count(*) FROM pg_sleep(60)")
    monkeypatch.setattr(pressure, "TIMEOUT_MILLISECONDS", 50)
    running = run(report_of(WIDE, pace="auto", rows_per_second=900))
    first = wait_until(lambda: conditions().get("rowsPerSecond", 0))
    wait_until(lambda: conditions().get("rowsPerSecond") == 500)
    kept = conditions()
    assert first <= 900
    assert (set(kept["decisions"]), kept["slowedBy"]) == ({"unanswered"}, ["unanswered"])
    TypeDials.objects.create(kind="report", type="made", pace="fixed", rows_per_second=1_000_000)
    assert running.result(timeout=20).job.state == State.SUCCEEDED
    assert conditions()["slowedBy"] == []


def test_auto_goes_faster_while_the_database_is_calm(
    report_of: Callable[..., str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governor, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(auto, "SAMPLE_SECONDS", 0.1)
    Queue.objects.filter(name="reports").update(
        target_busy_percent=None, target_active_sessions=None, target_latency_milliseconds=None
    )
    running = run(report_of(MANY, pace="auto"))
    assert running.result(timeout=20).job.state == State.SUCCEEDED
    kept = conditions()
    assert kept["pace"] == "auto"
    assert set(kept["decisions"]) == {"faster"}
    assert kept["rowsPerSecond"] > 100_000


def test_auto_is_at_work_for_a_share_of_the_time_only(
    report_of: Callable[..., str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governor, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(auto, "SAMPLE_SECONDS", 0.1)
    monkeypatch.setattr(governor, "TELL_SECONDS", 0.1)
    Queue.objects.filter(name="reports").update(target_active_sessions=None, target_latency_milliseconds=None)
    running = run(report_of(MANY, pace="auto"))
    wait_until(lambda: conditions().get("decisions", {}).get("busy", 0) > 3)
    kept = conditions()
    assert kept["unpacedRowsPerSecond"] > 20_000
    assert kept["rowsPerSecond"] == pytest.approx(kept["unpacedRowsPerSecond"] * 0.05 * SHARE_OF_ROWS, abs=1)
    assert kept["slowedBy"] == []
    set_dials("reports", actor="grace", reason="the night has begun", target_busy_percent=None, pace="fixed")
    assert running.result(timeout=20).job.state == State.SUCCEEDED


def test_auto_goes_slower_while_sessions_are_active_and_faster_afterwards(
    report_of: Callable[..., str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governor, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(auto, "SAMPLE_SECONDS", 0.1)
    monkeypatch.setattr(governor, "TELL_SECONDS", 0.2)
    Queue.objects.filter(name="reports").update(target_active_sessions=2, target_latency_milliseconds=None)
    with busy_sessions(3) as calm_down, closing(Probe("default")) as probe:
        wait_until(lambda: probe.measure().active_sessions >= 3)
        running = run(report_of(MANY, pace="auto"))
        wait_until(lambda: conditions().get("rowsPerSecond") == 500)
        assert set(conditions()["decisions"]) <= {"faster", "sessions"}
        calm_down()
        wait_until(lambda: conditions().get("rowsPerSecond", 0) > 2000)
    TypeDials.objects.create(kind="report", type="made", pace="fixed")
    assert running.result(timeout=20).job.state == State.SUCCEEDED
    kept = conditions()
    assert (kept["lowestRowsPerSecond"], kept["rowsPerSecond"], kept["pace"]) == (500, None, "fixed")


@contextmanager
def busy_sessions(count: int) -> Iterator[Callable[[], None]]:
    """So many sessions that are active until the yielded function is called."""
    url = throw_away.database_url(str(connection.settings_dict["NAME"]))
    with Threads(count) as threads, ExitStack() as opened:
        sessions = [opened.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(count)]

        def calm_down() -> None:
            for session in sessions:
                session.cancel_safe()

        opened.callback(calm_down)
        for session in sessions:
            threads.submit(session.execute, "SELECT pg_sleep(60)")
        yield calm_down
