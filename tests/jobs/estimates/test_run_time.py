"""How long a run takes yet; above all, when nobody knows."""

from datetime import timedelta
from itertools import accumulate
from typing import Any

import pytest
from django.utils import timezone

from jobs.estimates.run_time import NO_ATTEMPTS, PastAttempts, Progress, expected_rows, seconds_left
from jobs.models import Job
from jobs.states import State
from jobs.worker.row_rate import RowRate

#: Ten to fourteen seconds, a hundred rows a second; rows were expected as they came.
PAST = PastAttempts([10.0, 11.0, 12.0, 13.0, 14.0], [1000, 1100, 1200, 1300, 1400], [1000, 1100, 1200, 1300, 1400])
WITHOUT_ROWS = PastAttempts([10.0, 11.0, 12.0, 13.0, 14.0], [0] * 5, [None] * 5)


def progress(**values: Any) -> Progress:
    """Ten seconds ago it began, five seconds ago its rows; a hundred a second."""
    usual: dict[str, Any] = {
        "elapsed": 10.0, "silent": 0.0, "done": 500, "expected": 2000, "rate": 100.0, "flowing": 5.0
    }  # fmt: skip
    return Progress(**(usual | values))


def left(past: PastAttempts = NO_ATTEMPTS, **values: Any) -> float | None:
    return seconds_left(progress(**values), past)


def test_it_is_the_rows_left_over_their_rate_whatever_passed_before_the_first() -> None:
    assert left() == 15
    assert left(elapsed=3600) == 15


def test_time_goes_on_between_two_heartbeats() -> None:
    assert left(silent=1.0) == 14
    assert left(done=1999, silent=1.0) == 0


def test_rows_that_do_not_come_make_it_longer() -> None:
    assert left(silent=7.0, flowing=5.0) == pytest.approx(15 * 4 - 7)


@pytest.mark.parametrize(
    "unknown",
    [
        {"done": 0},
        {"done": 0, "expected": None},
        {"expected": None},
        {"expected": 0},
        {"done": 2000},
        {"done": 2001},
    ],
)
def test_without_a_history_what_is_not_known_is_left_out(unknown: dict[str, Any]) -> None:
    assert left(**unknown) is None
    assert left(PastAttempts([10.0, 11.0], [1, 1], [1, 1]), **(unknown | {"elapsed": 1.0})) is None, "two runs are none"


def test_rows_whose_rate_is_not_known_yet_have_come_evenly() -> None:
    assert left(rate=None) == 30


def test_before_the_first_row_it_is_what_longer_runs_of_its_type_took() -> None:
    assert left(WITHOUT_ROWS, done=0, expected=None, elapsed=4.0) == 8
    assert left(WITHOUT_ROWS, done=0, expected=None, elapsed=11.5) == 1.5, "of 12, 13 and 14"
    assert left(WITHOUT_ROWS, done=0, expected=None, elapsed=12.5) is None, "only two took longer"


def test_before_the_first_row_a_run_of_more_rows_takes_longer() -> None:
    assert left(PAST, done=0, elapsed=4.0, expected=2400) == 20
    assert left(PAST, done=0, elapsed=4.0, expected=None) == 8


def test_where_more_rows_come_than_were_expected_the_history_says_how_long() -> None:
    assert left(PAST, done=2001, elapsed=10.5) == 2, "of 11, 12, 13 and 14"
    assert left(PAST, done=2001, elapsed=15.0) is None


def test_the_first_rows_count_less_than_the_history_and_later_ones_alone() -> None:
    slow = {"rate": 50.0, "elapsed": 1.0, "flowing": 1.0, "expected": 1000}
    assert left(PAST, done=1, **slow) == pytest.approx(9, abs=0.1)
    assert left(PAST, done=250, **slow) == pytest.approx((15 + 9) / 2)
    assert left(PAST, done=500, **slow) == 10
    assert left(PAST, done=1, **(slow | {"rate": None})) == 9


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (50.0, 18.0),  # 20 seconds in all, twice as long as ten
        (75.0, 0.2 * 12 + 0.8 * 8),
        (300.0, 3.0),  # 5 seconds in all
        (180.0, 0.2 * 5 + 0.8 * 8),
    ],
)
def test_a_rate_that_makes_a_run_unlike_all_others_is_believed_after_a_while(rate: float, expected: float) -> None:
    run = {"rate": rate, "elapsed": 2.0, "expected": 1000, "done": 100}
    assert left(PAST, **run) == pytest.approx(expected)
    own = 900 / rate
    assert left(PAST, **run, flowing=4.9) == pytest.approx(0.2 * own + 0.8 * 8)


def test_expectations_that_are_always_off_by_as_much_are_corrected() -> None:
    tenth = PastAttempts(PAST.seconds, PAST.rows, [rows // 10 for rows in PAST.rows])
    assert expected_rows(progress(expected=200), tenth) == 2000
    assert expected_rows(progress(expected=200), NO_ATTEMPTS) is None, "500 have come"
    assert left(tenth, expected=200, done=1000) == 10
    ten_times = PastAttempts(PAST.seconds, PAST.rows, [rows * 10 for rows in PAST.rows])
    assert expected_rows(progress(expected=4000, done=500), ten_times) == 4000, "more than 400 have come"


def test_expectations_that_mean_nothing_are_not_used() -> None:
    wild = PastAttempts(PAST.seconds, PAST.rows, [10, 100_000, 50, 7_000, 1_000_000])
    assert expected_rows(progress(), wild) is None
    assert left(wild, elapsed=4.0) == 8
    assert left(wild, elapsed=4.0, done=0) == 8


def test_a_type_has_a_usual_time_once_three_runs_have_succeeded() -> None:
    assert PAST.median_seconds == 12
    assert PastAttempts([1.0, 2.0], [0, 0], [None, None]).median_seconds is None


def test_progress_is_read_from_a_job() -> None:
    now = timezone.now()
    job = Job(
        state=State.RUNNING, started_at=now - timedelta(seconds=60), updated_at=now - timedelta(seconds=2),
        progress_began_at=now - timedelta(seconds=42), progress_done=7, progress_total=9, progress_rate=0.5,
    )  # fmt: skip
    assert Progress.of(job, now) == Progress(60, 2, 7, 9, 0.5, 40)
    job.progress_began_at = job.progress_rate = None
    assert Progress.of(job, now) == Progress(60, 2, 7, 9, None, 0)
    assert Progress.of(Job(), now) is None


@pytest.mark.parametrize("gap", [1, 3, 8, 20])
def test_the_time_left_does_not_grow_between_rows_that_come_slowly_and_evenly(gap: int) -> None:
    """As the heartbeat sees them, once a second, and as the status tells it in each second."""
    rate, rows, written = RowRate(), 20, (0, 0.0)  # rows, and when they were written down
    told: list[float] = []
    for second in range(1, rows * gap):
        done = second // gap
        rate_began_at = float(gap) if done else None
        rate.see(done, at=float(second), began_at=rate_began_at)
        if done != written[0]:
            written, flowing, per_second = (done, float(second)), rate.seconds() or 0.0, rate.per_second()
        if done < 3:
            continue
        progress = Progress(
            elapsed=float(second),
            silent=second - written[1],
            done=done,
            expected=rows,
            rate=per_second,
            flowing=flowing,
        )
        left = seconds_left(progress, NO_ATTEMPTS)
        assert left is not None
        told.append(left)
    lowest = list(accumulate(told, min))
    assert all(later <= before * 1.2 + 1 for before, later in zip(lowest, told[1:], strict=False))
