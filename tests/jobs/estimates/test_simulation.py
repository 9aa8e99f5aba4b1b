"""When a place becomes free."""

import time

import pytest

from jobs.estimates.simulation import Turns, seconds_until_free


@pytest.mark.parametrize(
    ("places", "ahead", "expected"),
    [
        ([5, 3, 9], 0, 3),
        ([5, 3, 9], 1, 5),  # that one runs from 3 to 13
        ([5, 3, 9], 3, 13),
        ([0], 4, 40),
        ([0, 0], 4, 20),
    ],
)
def test_who_is_next_takes_what_is_free_next(places: list[float], ahead: int, expected: float) -> None:
    assert seconds_until_free([[free] for free in places], [Turns(ahead, [10])], seed=1) == expected


def test_short_and_long_ones_ahead_count_as_what_they_take() -> None:
    few_long = seconds_until_free([[0]], [Turns(10, [1.0]), Turns(2, [100.0])], seed=1)
    assert 100 <= few_long <= 420
    assert seconds_until_free([[0]], [Turns(12, [1.0])], seed=1) == 12


def test_of_several_places_with_uneven_times_the_first_is_free_soon() -> None:
    times = [1.0, 2.0, 3.0, 50.0]
    alone, beside = (seconds_until_free([times] * places, [], seed=1) for places in (1, 8))
    assert beside == 1 < alone


def test_of_many_most_are_divided_between_the_places_at_once() -> None:
    began = time.process_time()
    assert seconds_until_free([[0]] * 4, [Turns(10_000, [2.0])], seed=1) == pytest.approx(5000)
    assert time.process_time() - began < 0.1


def test_the_answer_is_the_same_each_time_it_is_asked() -> None:
    def ask(seed: object) -> float:
        return seconds_until_free([[1.0, 7.0, 9.0]] * 3, [Turns(5, [1.0, 20.0, 30.0])], seed=seed)

    assert len({ask("a") for _ in range(5)}) == 1
    assert len({ask(number) for number in range(5)}) > 1
