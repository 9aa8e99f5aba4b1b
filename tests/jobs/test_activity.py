"""Attempts by the minute."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from jobs import sweeps  # noqa: F401  (registers them)
from jobs.activity import Activity, count_attempts
from jobs.models import Attempt, Job, Sweep
from jobs.states import Outcome
from jobs.sweeping import SWEEPS

pytestmark = pytest.mark.django_db


@pytest.fixture
def ended(make_job: Callable[..., Job]) -> Callable[..., None]:
    def end(outcome: Outcome, *, ago: timedelta = timedelta(), queue: str = "reports", rows: int | None = None) -> None:
        Attempt.objects.create(
            job=make_job(queue=queue), number=1, fencing_token=1, worker="w", outcome=outcome, rows=rows,
            started_at=Now() - ago - timedelta(seconds=2), finished_at=Now() - ago,
        )  # fmt: skip

    return end


def counts() -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for queue, outcome, attempts in Activity.objects.values_list("queue", "outcome", "attempts"):
        found[queue, outcome] = found.get((queue, outcome), 0) + attempts
    return found


def test_attempts_are_counted_by_minute_queue_and_outcome(ended: Callable[..., None]) -> None:
    ended(Outcome.SUCCEEDED, rows=5)
    ended(Outcome.SUCCEEDED, rows=7)
    ended(Outcome.FAILED, queue="uploads")
    ended(Outcome.LOST, ago=timedelta(hours=3))
    ended(Outcome.LOST, ago=timedelta(days=9))
    counted, _ = count_attempts("")
    assert counted == 3
    assert counts() == {("reports", "succeeded"): 2, ("uploads", "failed"): 1, ("reports", "lost"): 1}
    both = Activity.objects.get(outcome="succeeded")
    assert (both.rows, round(both.seconds), both.minute.second) == (12, 4, 0)


def test_counting_again_changes_nothing_and_what_came_late_is_counted(ended: Callable[..., None]) -> None:
    ended(Outcome.SUCCEEDED)
    _, position = count_attempts("")
    ended(Outcome.SUCCEEDED, ago=timedelta(seconds=50))
    for _ in range(2):
        _, position = count_attempts(position)
    assert counts() == {("reports", "succeeded"): 2}


def test_old_minutes_are_forgotten(ended: Callable[..., None]) -> None:
    Activity.objects.create(
        minute=timezone.now() - timedelta(days=9), queue="q", outcome="failed", attempts=1, seconds=1, rows=0
    )
    count_attempts("")
    assert not Activity.objects.exists()


def test_the_sweep_goes_on_where_it_was(ended: Callable[..., None]) -> None:
    ended(Outcome.SUCCEEDED)
    assert SWEEPS["count_activity"]() == 1
    assert Sweep.objects.get(name="count_activity").position > "2026"
    assert counts() == {("reports", "succeeded"): 1}
