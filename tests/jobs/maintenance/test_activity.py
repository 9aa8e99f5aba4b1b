"""Attempts by the minute."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import ANY

import psycopg
import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from jobs.maintenance.activity import count_attempts
from jobs.maintenance.sweeps import SWEEPS
from jobs.models import Activity, Attempt, AttemptTotal, DecisionTotal, Job, Sweep
from jobs.models.statistics import DURATION_BOUNDS, ROWS_BOUNDS
from jobs.states import Outcome
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db


#: Long enough ago that no statement of then is still under way.
SETTLED = timedelta(seconds=6)


@pytest.fixture
def ended(make_job: Callable[..., Job]) -> Callable[..., Attempt]:
    def end(
        outcome: Outcome,
        *,
        ago: timedelta = SETTLED,
        seconds: float = 2,
        job: dict[str, Any] | None = None,
        **values: Any,
    ) -> Attempt:
        return Attempt.objects.create(
            job=make_job(**(job or {})), number=1, fencing_token=1, worker="w", outcome=outcome,
            started_at=Now() - ago - timedelta(seconds=seconds), finished_at=Now() - ago, **values,
        )  # fmt: skip

    return end


def earlier(position: str, by: timedelta) -> str:
    return (datetime.fromisoformat(position) - by).isoformat()


def counts() -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for queue, outcome, attempts in Activity.objects.values_list("queue", "outcome", "attempts"):
        found[queue, outcome] = found.get((queue, outcome), 0) + attempts
    return found


def test_attempts_are_counted_by_minute_queue_and_outcome(ended: Callable[..., Attempt]) -> None:
    for rows in (5, 7):
        same = ended(Outcome.SUCCEEDED, rows=rows)
        Attempt.objects.update(
            finished_at=same.finished_at, started_at=same.started_at
        )  # one minute, whenever this runs
    ended(Outcome.FAILED, job={"queue": "uploads"})
    ended(Outcome.LOST, ago=timedelta(hours=3))
    ended(Outcome.LOST, ago=timedelta(days=9))
    counted, _ = count_attempts("")
    assert counted == 4
    assert counts() == {("reports", "succeeded"): 2, ("uploads", "failed"): 1, ("reports", "lost"): 1}
    both = Activity.objects.get(outcome="succeeded")
    assert (both.rows, round(both.seconds), both.minute.second) == (12, 4, 0)


def test_each_is_counted_once(ended: Callable[..., Attempt]) -> None:
    ended(Outcome.SUCCEEDED)
    counted, position = count_attempts("")
    assert counted == 1
    assert count_attempts(position) == (0, ANY)
    assert counts() == {("reports", "succeeded"): 1}
    assert AttemptTotal.objects.get().attempts == 1


def test_what_ends_now_is_counted_by_the_next_run(ended: Callable[..., Attempt]) -> None:
    attempt = ended(Outcome.SUCCEEDED, ago=timedelta(seconds=1))
    counted, position = count_attempts("")
    assert counted == 0
    Attempt.objects.update(finished_at=F("finished_at") - SETTLED)
    assert count_attempts(earlier(position, SETTLED))[0] == 1
    assert attempt.outcome == Outcome.SUCCEEDED


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_attempt_whose_end_commits_late_is_counted_all_the_same(
    ended: Callable[..., Attempt], database_url: str
) -> None:
    """A worker's transaction is open for longer than a count looks back."""
    late = ended(Outcome.SUCCEEDED)
    Attempt.objects.update(finished_at=None, outcome="")
    with psycopg.connect(database_url) as worker:
        worker.execute("UPDATE jobs_attempt SET finished_at = now(), outcome = 'succeeded' WHERE id = %s", [late.pk])
        [(began,)] = worker.execute("SELECT now()").fetchall()
        wait_until(lambda: timezone.now() - began > SETTLED)
        ended(Outcome.FAILED)
        counted, position = count_attempts("")
        assert (counted, datetime.fromisoformat(position)) == (0, began)
    assert count_attempts(position)[0] == 2
    assert counts() == {("reports", "succeeded"): 1, ("reports", "failed"): 1}


def test_totals_count_by_type_and_bucket_and_grow(ended: Callable[..., Attempt]) -> None:
    yearly = {"type": "yearly"}
    ended(Outcome.SUCCEEDED, rows=100, seconds=2.5, job=yearly)
    ended(Outcome.SUCCEEDED, rows=0, seconds=2.0, job=yearly)
    ended(Outcome.SUCCEEDED, rows=10**9, seconds=90_000, job=yearly)
    _, position = count_attempts("")
    ended(Outcome.SUCCEEDED, rows=101, seconds=2.5, job=yearly)
    ended(Outcome.SUCCEEDED, rows=90, seconds=2.4, job=yearly)
    Attempt.objects.filter(pk__lte=Attempt.objects.order_by("pk")[2].pk).delete()
    count_attempts(earlier(position, timedelta(seconds=2)))
    found = AttemptTotal.objects.order_by("duration_bucket", "rows_bucket").values_list(
        "queue", "kind", "type", "outcome", "duration_bucket", "rows_bucket", "attempts", "rows"
    )
    sort = ("reports", "test", "yearly", "succeeded")
    assert list(found) == [(*sort, 3, 0, 1, 0), (*sort, 3, 1, 2, 190), (*sort, 3, 2, 1, 101), (*sort, 14, 8, 1, 10**9)]
    assert (DURATION_BOUNDS[3], ROWS_BOUNDS[1], len(DURATION_BOUNDS), len(ROWS_BOUNDS)) == (2.5, 100, 14, 8)


def test_what_was_decided_about_the_pace_is_counted(ended: Callable[..., Attempt]) -> None:
    ended(Outcome.SUCCEEDED, conditions={"pace": "auto", "decisions": {"faster": 9, "lag": 1}})
    ended(Outcome.FAILED, conditions={"pace": "auto", "decisions": {"faster": 3}})
    ended(Outcome.SUCCEEDED, conditions={"pace": "fixed"})
    ended(Outcome.SUCCEEDED)
    count_attempts("")
    found = DecisionTotal.objects.order_by("decision").values_list("queue", "decision", "times")
    assert list(found) == [("reports", "faster", 12), ("reports", "lag", 1)]


def test_old_minutes_are_forgotten() -> None:
    Activity.objects.create(
        minute=timezone.now() - timedelta(days=9), queue="q", outcome="failed", attempts=1, seconds=1, rows=0
    )
    count_attempts("")
    assert not Activity.objects.exists()


def test_the_sweep_goes_on_where_it_was(ended: Callable[..., Attempt]) -> None:
    ended(Outcome.SUCCEEDED)
    assert [SWEEPS["count_activity"](), SWEEPS["count_activity"]()] == [1, 0]
    row = Sweep.objects.get(name="count_activity")
    assert row.position > "2026"
    assert (row.last_handled, row.handled) == (0, 1)
    assert counts() == {("reports", "succeeded"): 1}
