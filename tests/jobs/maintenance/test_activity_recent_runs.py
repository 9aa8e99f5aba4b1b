"""What the newest runs of a type took."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from jobs.maintenance.activity import ATTEMPTS_KEPT, count_attempts
from jobs.models import Attempt, Job, RecentRuns
from jobs.states import Outcome

pytestmark = pytest.mark.django_db


@pytest.fixture
def ended(make_job: Callable[..., Job]) -> Callable[..., None]:
    """A job of a type whose attempt took so long."""

    def end(
        seconds: float, *, of: str = "yearly", outcome: Outcome = Outcome.SUCCEEDED, ago: float = 60, **values: int
    ) -> None:
        at = Now() - timedelta(seconds=ago)
        Attempt.objects.create(
            job=make_job(type=of), number=1, fencing_token=1, worker="w", outcome=outcome,
            started_at=at - timedelta(seconds=seconds), finished_at=at, **values,
        )  # fmt: skip

    return end


def kept(of: str = "yearly") -> tuple[list[float], list[int], list[int | None]]:
    runs = RecentRuns.objects.get(kind="test", type=of)
    return [round(taken, 3) for taken in runs.seconds], runs.rows, runs.rows_expected


def test_runs_that_succeeded_are_kept_the_newest_first(ended: Callable[..., None]) -> None:
    ended(3, ago=90, rows=30, rows_expected=33)
    ended(2, ago=80)
    ended(9, outcome=Outcome.FAILED)
    ended(8, outcome=Outcome.HANDED_BACK)
    ended(5, of="daily", rows=1)
    count_attempts("")
    assert kept() == ([2, 3], [0, 30], [None, 33])
    assert kept("daily") == ([5], [1], [None])


def test_the_sizes_are_kept_beside_those_that_were_counted_before(ended: Callable[..., None]) -> None:
    RecentRuns.objects.create(kind="test", type="yearly", seconds=[1.0], rows=[1], rows_expected=[None])
    ended(2, bytes=77)
    ended(3, ago=90)
    count_attempts("")
    runs = RecentRuns.objects.get()
    assert (runs.seconds, runs.bytes) == ([2, 3, 1], [77, 0])


def test_older_ones_are_forgotten(ended: Callable[..., None]) -> None:
    for number in range(ATTEMPTS_KEPT + 5):
        ended(100 + number, ago=600 - number)
    count_attempts("")
    seconds, rows, expected = kept()
    assert seconds == [100 + number for number in range(ATTEMPTS_KEPT + 4, 4, -1)]
    assert len(rows) == len(expected) == ATTEMPTS_KEPT


def test_new_ones_push_out_the_oldest(ended: Callable[..., None]) -> None:
    full = {"seconds": [float(ATTEMPTS_KEPT - number) for number in range(ATTEMPTS_KEPT)], "rows": [0] * ATTEMPTS_KEPT}
    RecentRuns.objects.create(kind="test", type="yearly", **full, rows_expected=[None] * ATTEMPTS_KEPT)
    ended(777, rows=7, rows_expected=8)
    count_attempts("")
    seconds, rows, expected = kept()
    assert (seconds[0], seconds[1], seconds[-1], len(seconds)) == (777, 50, 2, ATTEMPTS_KEPT)
    assert (rows[:2], expected[:2], len(rows), len(expected)) == ([7, 0], [8, None], ATTEMPTS_KEPT, ATTEMPTS_KEPT)
