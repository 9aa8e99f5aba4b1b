"""Spans of time in words."""

import pytest

from jobs.pages.spans import exact_span, starts_in, time_left


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than 1 s"), (0.4, "less than 1 s"), (1, "1 s"), (59.6, "1 min"), (125, "2 min 5 s"),
        (3600, "1 h"), (3605, "1 h"), (7500, "2 h 5 min"), (187_200, "2 d 4 h"),
    ],
)  # fmt: skip
def test_an_exact_span_has_two_units(seconds: float, words: str) -> None:
    assert exact_span(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "left", "start"),
    [
        (None, "", ""),
        (59, "less than a minute left", "It starts in less than a minute."),
        (125, "about 2\xa0minutes left", "It starts in about 2\xa0minutes."),
    ],
)
def test_an_estimate_is_rough(seconds: float | None, left: str, start: str) -> None:
    assert (time_left(seconds), starts_in(seconds)) == (left, start)
