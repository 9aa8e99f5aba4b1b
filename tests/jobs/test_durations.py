"""Lengths of time in words."""

from datetime import timedelta

import pytest

from jobs.durations import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (0.00001, "0 s"), (0.00042, "0.0004 s"), (0.2449, "0.24 s"), (9.51, "9.5 s"), (42.4, "42 s"),
        (59.7, "1 min"), (60, "1 min"),
        (125, "2 min 5 s"), (3600, "1 h"), (3605, "1 h"), (7261, "2 h 1 min"), (86_400, "1 d"), (187_200, "2 d 4 h"),
        (-1, "0 s"),
    ],
)  # fmt: skip
def test_the_two_largest_units_are_named(seconds: float, words: str) -> None:
    assert in_words(seconds) == in_words(timedelta(seconds=seconds)) == words
