"""The samples of an attempt's rows: few, evenly spread, the newest among them."""

from itertools import pairwise

import pytest

from jobs.worker.row_samples import MOST_SAMPLES, RowSamples


def sampled(seconds: int, *, rows_per_second: int = 10) -> list[tuple[int, int]]:
    samples = RowSamples()
    for second in range(1, seconds + 1):
        samples.add(second * rows_per_second, seconds=second)
    flat = samples.flat()
    return list(zip(flat[::2], flat[1::2], strict=True))


def test_a_short_attempt_keeps_each_sample() -> None:
    assert sampled(3) == [(0, 0), (1000, 10), (2000, 20), (3000, 30)]


@pytest.mark.parametrize("seconds", [60, 61, 119, 3600, 86_400])
def test_a_long_attempt_keeps_few_evenly_spread(seconds: int) -> None:
    samples = sampled(seconds)
    assert MOST_SAMPLES / 2 <= len(samples) <= MOST_SAMPLES
    assert samples[0] == (0, 0)
    assert samples[-1] == (seconds * 1000, seconds * 10)
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(samples)]
    assert max(gaps) <= 4 * seconds * 1000 / len(samples)
    assert all(gap > 0 for gap in gaps)


def test_a_clock_that_stands_still_adds_nothing() -> None:
    samples = RowSamples()
    samples.add(5, seconds=0)
    samples.add(9, seconds=1)
    samples.add(12, seconds=1)
    assert samples.flat() == [0, 0, 1000, 9]
