"""Numbers as a user prefers to read them."""

from decimal import Decimal

import pytest

from jobs.models import NumberFormat
from jobs.numbers import current_format, format_number, format_size


@pytest.mark.parametrize(
    ("number_format", "shown"),
    [
        (NumberFormat.COMMA_POINT, "-1,234,567.9"),
        (NumberFormat.POINT_COMMA, "-1.234.567,9"),
        (NumberFormat.SPACE_COMMA, "-1\u202f234\u202f567,9"),
    ],
)
def test_a_number_has_the_separators_of_the_user(number_format: str, shown: str) -> None:
    token = current_format.set(number_format)
    try:
        assert format_number(Decimal("-1234567.89"), decimals=1) == shown
    finally:
        current_format.reset(token)


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0\u00a0kB"),
        (999_949, "999.9\u00a0kB"),
        (999_950, "1.0\u00a0MB"),
        (1_234_567_890, "1.2\u00a0GB"),
        (5_000_000_000_000_000, "5,000.0\u00a0TB"),
    ],
)
def test_a_size_has_the_unit_in_which_it_is_short(size_bytes: int, shown: str) -> None:
    assert format_size(size_bytes) == shown
