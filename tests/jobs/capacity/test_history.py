"""What a queue's past says."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.capacity import history as module
from jobs.capacity.history import History, TooLittleHistoryError, read_history, types_of
from jobs.models import Activity, Job
from jobs.states import State

pytestmark = pytest.mark.django_db


def read(queue: str = "reports", *, days: float = 7) -> History:
    return read_history(queue, types_of(queue), days=days)


def test_service_is_what_attempts_occupy_a_worker_for_however_they_ended(past_job: Callable[..., Job]) -> None:
    for _ in range(10):
        past_job(10)
        past_job(20, 30)
    past = read()
    assert (past.attempts, past.succeeded, past.attempts_per_job) == (30, 20, 1.5)
    assert past.service_seconds == pytest.approx(20)
    assert past.service_cv2 == pytest.approx((100 + 0 + 100) / 3 / 400)
    assert past.longest_seconds == pytest.approx(30)
    assert past.attempts_per_job * past.service_seconds == pytest.approx((10 + 50) / 2)


def test_constant_service_has_no_variation(past_job: Callable[..., Job]) -> None:
    for _ in range(30):
        past_job(7)
    assert read().service_cv2 == pytest.approx(0, abs=1e-9)


def test_what_a_job_reads_keeps_and_takes_is_of_all_its_attempts(past_job: Callable[..., Job]) -> None:
    for _ in range(15):
        past_job(5, 5, rows=1000, megabytes=2, memory=100)
        past_job(5, rows=3000, memory=300)
    past = read()
    assert past.rows_per_job == 2000
    assert past.stored_bytes_per_job == 1024**2
    assert past.stored_byte_seconds_per_job == pytest.approx(1024**2 * 2 * 86400)
    assert (past.mean_memory_bytes, past.peak_memory_bytes) == (200, 300)
    assert not past.reads_database


def test_a_queue_that_reads_says_so_in_the_conditions_of_its_attempts(past_job: Callable[..., Job]) -> None:
    for _ in range(29):
        past_job(5)
    past_job(5, conditions={"pace": "fixed"})
    past = read()
    assert past.reads_database
    assert past.mean_memory_bytes is past.peak_memory_bytes is past.highest_rows_per_second is None


def test_arrivals_are_counted_by_the_ids_from_the_first_one_on(past_job: Callable[..., Job]) -> None:
    for _ in range(30):
        past_job(1, hours_ago=10)
    for hours_ago in (5, 3):
        past_job(hours_ago=hours_ago, state=State.QUEUED)
    past_job(1, hours_ago=24 * 8)
    past = read()
    assert (past.jobs, past.attempts, past.attempts_per_job) == (32, 30, 1)
    assert past.observed_seconds == pytest.approx(36_000, abs=60)
    assert past.arrivals_per_minute == pytest.approx(32 / 600, rel=0.01)
    assert past.busiest_hour_per_minute == 0.5


def test_of_less_than_an_hour_the_busiest_one_is_all_of_it(past_job: Callable[..., Job]) -> None:
    for _ in range(60):
        past_job(1, hours_ago=0)
    past = read()
    assert past.observed_seconds == 60
    assert past.arrivals_per_minute == past.busiest_hour_per_minute == 60


def test_only_the_newest_are_read(past_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(40):
        past_job(50, hours_ago=3)
    for _ in range(30):
        past_job(2, hours_ago=1)
    monkeypatch.setattr(module, "JOBS_READ", 30)
    monkeypatch.setattr(module, "JOBS_COUNTED", 60)
    past = read()
    assert (past.jobs, past.attempts) == (60, 30)
    assert past.service_seconds == pytest.approx(2)
    monkeypatch.setattr(module, "JOBS_READ", 70)
    monkeypatch.setattr(module, "JOBS_COUNTED", 70)
    monkeypatch.setattr(module, "ATTEMPTS_READ", 35)
    assert read().attempts == 35
    past_job(1, 1, 1, hours_ago=0)
    monkeypatch.setattr(module, "ATTEMPTS_READ", 80)
    assert read().attempts == 72
    monkeypatch.setattr(module, "ATTEMPTS_OF_A_JOB", 1)
    assert read().attempts == 70


def test_one_type_is_told_from_the_others_and_from_other_queues(past_job: Callable[..., Job]) -> None:
    for _ in range(30):
        past_job(4, type="sales")
        past_job(40, type="stock")
        past_job(400, type="sales", queue="uploads")
    assert types_of("reports") == [("test", "sales"), ("test", "stock")]
    assert read_history("reports", [("test", "sales")], days=7).service_seconds == pytest.approx(4)
    assert read().service_seconds == pytest.approx(22)
    assert types_of("callbacks") == []


def test_too_little_is_said_to_be(past_job: Callable[..., Job]) -> None:
    for _ in range(29):
        past_job(1)
    past_job(1, ended=False)
    past_job(1, hours_ago=200)
    with pytest.raises(TooLittleHistoryError, match=r"^29 attempts ended in the last 7 days, and at least 30 "):
        read()
    assert read(days=9).attempts == 30
    with pytest.raises(TooLittleHistoryError, match=r"^0 attempts ended in the last 0\.5 days"):
        read("callbacks", days=0.5)


def test_rows_are_spread_over_the_minutes_that_an_attempt_takes(past_job: Callable[..., Job]) -> None:
    for minutes_ago, rows in ((50, 60_000), (49, 60_000), (40, 90_000), (7 * 24 * 60 + 5, 10**9)):
        minute = (timezone.now() - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
        for outcome in ("succeeded", "failed"):
            Activity.objects.create(
                minute=minute, queue="reports", outcome=outcome, attempts=1, seconds=60, rows=rows // 2
            )
    for _ in range(30):
        past_job(59)
    assert read().highest_rows_per_second == 90_000 / 60
    past_job(90)
    assert read().highest_rows_per_second == 120_000 / 120


def test_two_queries_tell_all(past_job: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(30):
        past_job(1)
    types = types_of("reports")
    with django_assert_num_queries(2):
        read_history("reports", types, days=7)
    with django_assert_num_queries(1):
        types_of("reports")


#: Jobs of others, each with an attempt and a file.
OTHERS = (
    """
    INSERT INTO jobs_job (id, kind, type, queue, owner, payload, state, priority, due, attempt_count, max_attempts,
        fencing_token, progress_done, progress_percent, error_class, error_message, error_fingerprint,
        request_fingerprint)
    SELECT gen_random_uuid(),
        'test', 'sales', 'uploads', %s, '{}', 'succeeded', 0, true, 1, 5, 1, 0, 100, '', '', '', ''
    FROM generate_series(1, 20000)
    """,
    """
    INSERT INTO jobs_attempt (job_id, number, fencing_token, worker, celery_task_id, outcome, error_class,
        error_message, error_fingerprint, traceback, started_at, finished_at)
    SELECT id, 1, 1, 'w', '', 'succeeded', '', '', '', '', now(), now() FROM jobs_job WHERE owner = %s
    """,
    """
    INSERT INTO jobs_artifact (job_id, role, storage_name, filename, content_type, encoding, row_count, size_bytes,
        sha256, published_at, expires_at)
    SELECT id, 'result', id, 'f', 't', 'utf-8', 1, 1, '', now(), now() FROM jobs_job WHERE owner = %s
    """,
)


@pytest.mark.slow
def test_no_table_is_read_whole_where_others_have_many_jobs(past_job: Callable[..., Job], owner: User) -> None:
    with connection.cursor() as cursor:
        for statement in OTHERS:
            cursor.execute(statement, [owner.pk])
        cursor.execute("ANALYZE jobs_job, jobs_attempt, jobs_artifact")
    for _ in range(30):
        past_job(1, megabytes=1)
    before = times_read_whole()
    read()
    assert times_read_whole() == before


def times_read_whole() -> dict[str, int]:
    """Of each table, within this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT relname, pg_stat_get_xact_numscans(relid) FROM pg_stat_user_tables
            WHERE relname IN ('jobs_job', 'jobs_attempt', 'jobs_artifact')
        """)
        return dict(cursor.fetchall())
