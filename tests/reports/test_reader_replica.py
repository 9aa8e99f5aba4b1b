"""Reports read a replica, a real one, which is stopped, falls behind, conflicts, or is promoted meanwhile."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client import CollectorRegistry

from jobs.interventions.dials import set_dials
from jobs.models import Attempt, Event, Job, Queue
from jobs.monitoring.metrics import JobCollector
from jobs.pacing.replica import look_at_replica
from jobs.states import Outcome, State
from jobs.worker.execution import execute_job
from reports.previewing import PreviewUnavailableError, preview_report
from tests.support.results import Finished
from tests.support.standby import Standby
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True, databases=["default", "replica"])]
WHERE = "SELECT CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE 'primary' END AS place"
SLOW = "SELECT i, repeat('x', 1000) AS x FROM generate_series(1, 20000) i"
ROWS = 20_000


@pytest.fixture(scope="module", autouse=True)
def alias(django_db_setup: None) -> Iterator[None]:
    """Django is to know it before a test begins; `as_replica` says where it is."""
    with pytest.MonkeyPatch.context() as patch:
        known = settings.DATABASES["default"]
        patch.setitem(settings.DATABASES, "replica", {**known, "TEST": {**known["TEST"], "MIRROR": "default"}})
        yield


@pytest.fixture(scope="module")
def made_standby(alias: None) -> Iterator[Standby]:
    made = Standby("standby")
    made.create()
    yield made
    made.remove()


@pytest.fixture
def standby(made_standby: Standby, as_replica: Callable[[Standby], None]) -> Standby:
    if made_standby.process is None:
        made_standby.start(wal_receiver_status_interval="1")
    made_standby.catch_up()
    as_replica(made_standby)
    return made_standby


@pytest.fixture
def as_replica(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[Standby], None]:
    """What `REPLICA_URL` does."""

    def use(standby: Standby) -> None:
        monkeypatch.setitem(settings.DATABASES["replica"], "HOST", str(standby.server.socket_folder))

    return use


def last_conditions() -> dict[str, Any]:
    return Attempt.objects.latest("id").conditions or {}


def run_again(job: Job) -> Job:
    """As Beat and a worker would, once its time has come."""
    again = {"state": State.QUEUED, "retry_at": None, "scheduled_at": None, "due": True, "released_at": Now()}
    Job.objects.filter(pk=job.pk).update(**again)
    execute_job(job.pk, worker="test")
    job.refresh_from_db()
    return job


def test_a_report_is_read_from_the_replica(
    standby: Standby, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of(WHERE))
    assert finished.content == b"place\nreplica\n"
    kept = last_conditions()
    assert (kept["database"], "because" in kept) == ("replica", False)
    assert 0 <= kept["replicaLagSeconds"] < 5


def test_the_dial_may_say_the_primary(
    standby: Standby, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    set_dials("reports", actor="ada", reason="the replica is slow", database="default")
    assert run_order(report_of(WHERE)).content == b"place\nprimary\n"


def test_while_it_is_down_a_report_waits_and_uses_up_no_attempt(
    standby: Standby, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    standby.stop()
    job = run_order(report_of(WHERE)).job
    assert (job.state, job.attempt_count, job.due, job.released_at) == (State.QUEUED, 0, False, None)
    assert timedelta(seconds=7) < job.scheduled_at - timezone.now() <= timedelta(seconds=10)  # type: ignore[operator]
    attempt = Attempt.objects.get()
    assert attempt.outcome == Outcome.HANDED_BACK
    assert attempt.error_message.startswith("Waiting for the replica: the replica does not answer: ")
    told = Event.objects.get(name=Event.Name.POSTPONED)
    public = "Waiting for the replica: the replica does not answer."
    assert told.details == {
        "attempt": 1, "reason": attempt.error_message, "public": public, "seconds": pytest.approx(9, abs=1)
    }  # fmt: skip
    with pytest.raises(PreviewUnavailableError, match=r"^The database of this report is not available now\.$"):
        preview_report(job.payload, owner=job.owner)  # type: ignore[arg-type]
    run_again(job)
    assert (job.state, job.attempt_count) == (State.QUEUED, 0)
    assert timedelta(seconds=15) < job.scheduled_at - timezone.now() <= timedelta(seconds=20)  # type: ignore[operator]
    standby.start()
    standby.catch_up()
    assert run_again(job).state == State.SUCCEEDED


def test_while_it_is_down_the_primary_is_read_where_the_type_says_so(
    standby: Standby, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    standby.stop()
    assert run_order(report_of(WHERE, without_replica="primary")).content == b"place\nprimary\n"
    kept = last_conditions()
    assert (kept["database"], kept["insteadOf"]) == ("default", "replica")
    assert kept["because"].startswith("the replica does not answer: ")


def test_too_far_behind_is_as_down_until_it_has_caught_up(
    standby: Standby, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    Queue.objects.filter(name="reports").update(max_lag_seconds=1)
    identifier = report_of(WHERE)
    standby.ask("SELECT pg_wal_replay_pause()::text")
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE newer (i int)")
        wait_until(lambda: (look_at_replica().lag or 0) > 2, timeout=20)
        waiting = run_order(identifier).job
    finally:
        standby.ask("SELECT pg_wal_replay_resume()::text")
    assert waiting.state == State.QUEUED
    assert "s behind; at most 1 s are allowed" in Attempt.objects.get().error_message
    standby.catch_up()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE newer")
    wait_until(lambda: look_at_replica().lag == 0)
    assert run_order(identifier).content == b"place\nreplica\n"


def test_it_stops_during_a_report_which_begins_anew(
    standby: Standby, report_of: Callable[..., str], run: Callable[..., Any],
    stored: Callable[[], set[str]],
) -> None:  # fmt: skip
    Queue.objects.filter(name="reports").update(rows_per_second=2000)
    running = run(report_of(SLOW, without_replica="primary"))
    wait_until(lambda: Job.objects.filter(progress_done__gt=0).exists())
    standby.stop()
    job = running.result(timeout=20).job
    assert (job.state, job.result["error"]["code"]) == (State.FAILED, "database-error")
    assert stored() == set()
    Queue.objects.filter(name="reports").update(rows_per_second=None)
    assert run_again(job).result == {"rowCount": ROWS}
    assert last_conditions()["insteadOf"] == "replica"


def test_a_conflict_with_its_recovery_is_retried(
    standby: Standby, report_of: Callable[..., str], run: Callable[..., Any]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE read AS SELECT i, repeat('x', 1000) AS x FROM generate_series(1, 20000) i")
    standby.catch_up()
    Queue.objects.filter(name="reports").update(rows_per_second=500)
    try:
        running = run(report_of("SELECT i, x FROM read"))
        wait_until(lambda: Job.objects.filter(progress_done__gt=0).exists())
        standby.set("max_standby_streaming_delay", "0")  # not before: rows of the jobs' own tables are removed, too
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM read WHERE i > 10000")
            while not running.done():  # rows that somebody else's snapshot may see yet are left: autovacuum's, say
                cursor.execute("VACUUM read")
        job = running.result().job
        assert job.state == State.FAILED
        assert job.result["error"] == {
            "code": "database-error", "detail": "The database was not reachable, or ended the query.", "retryable": True
        }  # fmt: skip
        assert "conflict with recovery" in job.error_message
        Queue.objects.filter(name="reports").update(rows_per_second=None)
        standby.set("max_standby_streaming_delay", "30s")
        standby.catch_up()
        assert run_again(job).result == {"rowCount": 10_000}
        assert last_conditions()["database"] == "replica"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE read")


def test_it_is_promoted_during_a_report_which_ends_and_the_next_does_not_read_it(
    as_replica: Callable[[Standby], None], report_of: Callable[..., str], run: Callable[..., Any]
) -> None:
    standby = Standby("promoted")
    standby.create()
    try:
        standby.start()
        standby.catch_up()
        as_replica(standby)
        Queue.objects.filter(name="reports").update(rows_per_second=10_000)
        running = run(report_of(SLOW))
        wait_until(lambda: Job.objects.filter(progress_done__gt=0).exists())
        assert standby.ask("SELECT pg_promote()::text") == "true"
        finished = running.result(timeout=20)
        assert finished.job.result == {"rowCount": ROWS}
        assert last_conditions()["database"] == "replica"
        job = run("made").result(timeout=20).job
        assert job.state == State.QUEUED
        assert Attempt.objects.get(job=job).error_message == (
            "Waiting for the replica: the replica was promoted and is no longer a replica."
        )
    finally:
        standby.remove()


def test_a_replica_that_hangs_is_one_that_does_not_answer(standby: Standby) -> None:
    """Stopped as by SIGSTOP: it accepts connections, and says nothing."""
    assert standby.process is not None
    os.kill(standby.process.pid, signal.SIGSTOP)
    try:
        state = look_at_replica()
    finally:
        os.kill(standby.process.pid, signal.SIGCONT)
    assert state.complaint.startswith("the replica does not answer: ")


def test_metrics_tell_how_it_is(standby: Standby) -> None:
    registry = CollectorRegistry()
    registry.register(JobCollector())
    assert registry.get_sample_value("longhaul_replica_up") == 1
    assert 0 <= (registry.get_sample_value("longhaul_replica_lag_seconds") or 0) < 5
    standby.stop()
    assert registry.get_sample_value("longhaul_replica_up") == 0
    assert registry.get_sample_value("longhaul_replica_lag_seconds") is None
    assert registry.get_sample_value("longhaul_database_up") == 1
    assert connections.settings["replica"]["OPTIONS"]["connect_timeout"] == 5  # as long as reports wait for it
