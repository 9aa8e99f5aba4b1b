"""What Prometheus is told of the jobs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from prometheus_client import CollectorRegistry
from pytest_django import DjangoAssertNumQueries

from jobs.dispatch.refusals import REASONS, REFUSED, show_refusals
from jobs.dispatch.submission import submit_job
from jobs.errors import AdmissionError
from jobs.models import Attempt, AttemptTotal, DecisionTotal, Job, Queue, Sweep, TypeDials
from jobs.monitoring import metrics
from jobs.monitoring.metrics import JobCollector
from jobs.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def scrape() -> Callable[..., float | None]:
    """One scrape, and one sample of it."""
    registry = CollectorRegistry()
    registry.register(JobCollector())
    return lambda name, **labels: registry.get_sample_value(f"longhaul_{name}", labels)


def test_a_queue_is_told_in_numbers(scrape: Callable[..., float | None], make_job: Callable[..., Job]) -> None:
    Queue.objects.filter(name="reports").update(max_running=7, max_queued=None, paused=True)
    lease = {"state": State.RUNNING, "lease_expires_at": Now() + timedelta(minutes=1)}
    for values in (
        {"released_at": None, "created_at": Now() - timedelta(seconds=90)}, {"released_at": None}, {},
        lease, lease, lease, {**lease, "lease_expires_at": Now() - timedelta(seconds=1)},
        {"state": State.FAILED, "retry_at": Now()}, {"state": State.DEAD, "queue": "uploads"},
    ):  # fmt: skip
        make_job(**values)
    told = {
        "waiting_jobs": 2, "handed_out_jobs": 1, "running_jobs": 4, "orphaned_jobs": 1, "failed_jobs": 1,
        "dead_letters": 0, "max_running": 7, "max_queued": None, "paused": 1, "accepting": 1,
    }  # fmt: skip
    assert {name: scrape(f"queue_{name}", queue="reports") for name in told} == told
    assert scrape("queue_oldest_wait_seconds", queue="reports") == pytest.approx(90, abs=20)
    assert scrape("queue_oldest_handed_out_seconds", queue="reports") == pytest.approx(0, abs=20)
    assert scrape("queue_oldest_handed_out_seconds", queue="uploads") == 0
    assert scrape("queue_dead_letters", queue="uploads") == 1
    assert scrape("queue_oldest_wait_seconds", queue="uploads") == 0
    assert scrape("database_up") == 1
    assert 0 < (scrape("scrape_seconds") or 0) < 5


def test_attempts_are_counters_and_histograms(scrape: Callable[..., float | None]) -> None:
    sort = {"queue": "reports", "kind": "report", "type": "yearly"}
    for outcome, duration_bucket, rows_bucket, attempts in (
        ("succeeded", 0, 0, 5), ("succeeded", 3, 1, 2), ("succeeded", 14, 8, 1), ("failed", 3, 1, 4)
    ):  # fmt: skip
        AttemptTotal.objects.create(
            **sort, outcome=outcome, duration_bucket=duration_bucket, rows_bucket=rows_bucket,
            attempts=attempts, seconds=attempts * 2.0, rows=attempts * 10,
        )  # fmt: skip
    ended = [scrape("attempts_total", **sort, outcome=outcome) for outcome in ("succeeded", "failed", "lost")]
    assert ended == [8, 4, 0]
    bounds = ("0.1", "1.0", "2.5", "7200.0", "+Inf")
    assert [scrape("attempt_duration_seconds_bucket", **sort, le=le) for le in bounds] == [5, 5, 7, 7, 8]
    assert [scrape("attempt_rows_bucket", **sort, le=le) for le in ("0.0", "100.0", "1e+08", "+Inf")] == [5, 7, 7, 8]
    assert [scrape(f"attempt_duration_seconds_{what}", **sort) for what in ("count", "sum")] == [8, 16]
    assert scrape("attempt_rows_sum", **sort) == 80


def test_what_was_never_ordered_is_there_at_zero(scrape: Callable[..., float | None]) -> None:
    """Else Prometheus would not see the first failures of a type."""
    sort = {"queue": "reports", "kind": "report", "type": "yearly-sales"}
    assert [scrape("attempts_total", **sort, outcome=outcome) for outcome in ("succeeded", "failed")] == [0, 0]


def test_a_schedule_that_is_off_or_slower_makes_no_sweep_late(scrape: Callable[..., float | None]) -> None:
    slower, _ = IntervalSchedule.objects.get_or_create(every=600, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.filter(name="jobs.count_activity").update(interval=slower)
    PeriodicTask.objects.filter(name="jobs.prune_jobs").update(enabled=False)
    assert scrape("sweep_period_seconds", sweep="count_activity") == 600
    assert scrape("sweep_age_seconds", sweep="prune_jobs") is None


def test_the_pace_of_what_runs_and_what_was_decided_about_it(
    scrape: Callable[..., float | None], make_job: Callable[..., Job]
) -> None:
    for state, rate in ((State.RUNNING, 1000), (State.RUNNING, 500), (State.RUNNING, None), (State.SUCCEEDED, 9)):
        job = make_job(state=state, lease_expires_at=Now(), fencing_token=2)
        for number in (1, 2):
            slowed_by = ["lag"] if rate == 500 else []
            kept = {"pace": "auto", "rowsPerSecond": rate and rate * number, "slowedBy": slowed_by}
            Attempt.objects.create(job=job, number=number, fencing_token=number, worker="w", conditions=kept)
    assert scrape("paced_jobs", queue="reports", pace="auto") == 2
    assert scrape("paced_rows_per_second", queue="reports", pace="auto") == 3000
    assert scrape("slowed_jobs", queue="reports", pace="auto") == 1
    DecisionTotal.objects.create(queue="reports", kind="report", type="t", decision="lag", times=3)
    assert scrape("pacing_decisions_total", queue="reports", kind="report", type="t", decision="lag") == 3


def test_sweeps_and_beat_are_told_by_their_age(scrape: Callable[..., float | None]) -> None:
    now = timezone.now()
    Sweep.objects.create(
        name="rescue_orphaned_jobs", last_started_at=now, last_finished_at=now - timedelta(seconds=70), last_handled=1,
        handled=12, last_error="it broke",
    )  # fmt: skip
    sweep = {"sweep": "rescue_orphaned_jobs"}
    assert scrape("sweep_age_seconds", **sweep) == pytest.approx(70, abs=5)
    told = [scrape(f"sweep_{name}", **sweep) for name in ("period_seconds", "failing", "handled_total")]
    assert told == [10, 1, 12]
    assert scrape("sweep_handled_total", sweep="republish_lost_jobs") == 0
    assert scrape("sweep_failing", sweep="republish_lost_jobs") == 0
    assert scrape("beat_age_seconds") is None
    PeriodicTask.objects.filter(name="jobs.prune_jobs").update(last_run_at=now - timedelta(seconds=300))
    PeriodicTask.objects.filter(name="jobs.count_activity").update(last_run_at=now - timedelta(seconds=30))
    assert scrape("beat_age_seconds") == pytest.approx(30, abs=5)


def test_room_for_files_is_told(scrape: Callable[..., float | None]) -> None:
    storages["artifacts"].delete(storages["artifacts"].save("00/room", ContentFile(b"")))
    assert (scrape("storage_free_bytes") or 0) > 1024


@pytest.mark.django_db(transaction=True)
def test_the_oldest_snapshot_is_told_by_its_age(scrape: Callable[..., float | None]) -> None:
    options = connection.get_connection_params()
    of_server = {name: options[name] for name in ("dbname", "user", "password", "host", "port") if name in options}
    with psycopg.connect(**of_server) as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        began = other.execute("SELECT now()").fetchone()
        assert began
        age = scrape("oldest_snapshot_seconds") or 0
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp() - %s)", [began[0]])
            assert 0 < age < float(cursor.fetchone()[0])


def test_of_a_replica_nothing_is_told_where_there_is_none(scrape: Callable[..., float | None]) -> None:
    assert scrape("replica_up") is None


@pytest.mark.slow
def test_a_scrape_asks_as_much_with_many_jobs_as_with_few(
    scrape: Callable[..., float | None], owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with CaptureQueriesContext(connection) as few:
        scrape("database_up")
    Job.objects.bulk_create(
        Job(kind="test", queue="reports", owner=owner, payload={}, max_attempts=5, state=state)
        for state in (State.QUEUED, State.DEAD, State.RUNNING, State.SUCCEEDED) for _ in range(300)
    )  # fmt: skip
    with django_assert_num_queries(len(few)):
        assert scrape("queue_waiting_jobs", queue="reports") == 300
    assert len(few) < 15


def test_a_database_that_does_not_answer_is_told_and_what_it_knew_left_out(
    scrape: Callable[..., float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "PACED", "SELECT pg_sleep(9)")
    monkeypatch.setattr(metrics, "TIMEOUT_MILLISECONDS", 50)
    monkeypatch.setattr(connection, "close", lambda: None)  # the test's own transaction goes on
    assert scrape("database_up") == 0
    assert scrape("queue_waiting_jobs", queue="reports") is None
    assert (scrape("scrape_seconds") or 0) > 0


def refused(reason: str) -> float:
    return float(REFUSED.labels("reports", reason)._value.get())


@pytest.mark.parametrize(
    ("dials", "reason"),
    [
        ({"accepting": False}, "closed"),
        ({"max_queued": 0}, "queue-full"),
        ({}, "type-full"),
        ({"max_queued_per_owner": 0}, "owner-queue-full"),
    ],
)
def test_a_refused_order_is_counted_by_what_was_in_the_way(
    dials: dict[str, Any], reason: str, owner: User, kind_of: Callable[..., str]
) -> None:
    kind = kind_of(lambda context: None)
    before = {known: refused(known) for known in REASONS}
    submit_job(kind=kind, owner=owner, payload={})
    if dials:
        Queue.objects.filter(name="reports").update(**dials)
    else:
        TypeDials.objects.create(kind=kind, type="", max_queued=1)
    with pytest.raises(AdmissionError):
        submit_job(kind=kind, owner=owner, payload={})
    assert {known: refused(known) for known in REASONS} == {**before, reason: before[reason] + 1}


def test_counters_of_refusals_are_there_before_the_first_one() -> None:
    show_refusals(["never-asked"])
    samples = {sample.labels["reason"]: sample.value for metric in REFUSED.collect() for sample in metric.samples
               if sample.labels["queue"] == "never-asked" and sample.name.endswith("_total")}  # fmt: skip
    assert samples == dict.fromkeys(REASONS, 0)
