"""The rate of rows: what counts, and how much."""

import pytest

from jobs.worker.row_rate import RowRate, faded


def seen(*looks: tuple[float, int], began_at: float | None = 10.0) -> RowRate:
    rate = RowRate()
    for at, rows in looks:
        rate.see(rows, at=at, began_at=began_at)
    return rate


def test_before_the_first_row_there_is_none() -> None:
    rate = seen((11, 0), (12, 0), began_at=None)
    assert (rate.per_second(), rate.seconds()) == (None, None)


def test_a_first_row_that_is_seen_as_it_comes_tells_no_rate() -> None:
    rate = seen((10.0, 500))
    assert (rate.per_second(), rate.seconds()) == (None, 0)


def test_an_even_rate_is_measured_from_the_first_row_on_whenever_one_looks() -> None:
    for looks in ([(11, 100), (12, 200), (14, 400)], [(14, 400)], [(10.5, 50), (14, 400)]):
        rate = seen(*looks)
        assert rate.per_second() == pytest.approx(100)
        assert rate.seconds() == 4


def test_later_rows_count_more() -> None:
    slower = seen((15, 1000), (20, 1100))
    assert slower.per_second() == pytest.approx(65)  # 110 on a plain average
    faster = seen((15, 100), (20, 1100))
    assert faster.per_second() == pytest.approx(155)


def test_silence_counts() -> None:
    stalled = seen((15, 500), (20, 500))
    assert stalled.per_second() == pytest.approx(25)
    assert faded(100, seconds=5, silent=5) == pytest.approx(25)
    assert faded(100, seconds=5, silent=0) == 100


def test_a_look_that_comes_before_the_first_row_was_noted_does_no_harm() -> None:
    assert seen((9.9, 3), (11, 103)).per_second() == pytest.approx(100)
