"""A recurrence in words."""

import pytest

from jobs.schedules.recurrence import Recurrence
from jobs.schedules.words import in_words


@pytest.mark.parametrize(
    ("recurrence", "expected"),
    [
        (Recurrence("day", 7), "Every day at 07:00"),
        (Recurrence("weekday", 23, 5), "Monday to Friday at 23:05"),
        (Recurrence("week", 7, days=(1,)), "Every Monday at 07:00"),
        (Recurrence("week", 7, days=(7, 1, 3)), "Every Monday, Wednesday and Sunday at 07:00"),
        (Recurrence("month", 7, day=15), "On day 15 of each month at 07:00"),
        (Recurrence("month", 7), "On the last day of each month at 07:00"),
        (Recurrence("cron", expression="0 7 * * MON#1"), "By the cron expression 0 7 * * MON#1"),
    ],
)
def test_each_recurrence_has_its_words(recurrence: Recurrence, expected: str) -> None:
    assert in_words(recurrence) == expected
