"""Named dates: what they are on a day, whatever the day and the zone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.types.relative_dates import MOMENTS, Sort, UnknownMomentError, label_of, moments_for, resolve

UTC_ZONE = ZoneInfo("UTC")
DAYS = st.dates(date(1970, 1, 1), date(2199, 12, 31))
ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "Africa/Cairo")
    ]
)
#: Sunday, in a leap year, in the first quarter.
SUNDAY = date(2028, 2, 27)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("today", date(2028, 2, 27)),
        ("yesterday", date(2028, 2, 26)),
        ("7-days-ago", date(2028, 2, 20)),
        ("30-days-ago", date(2028, 1, 28)),
        ("start-of-this-week", date(2028, 2, 21)),
        ("end-of-this-week", date(2028, 2, 27)),
        ("start-of-last-week", date(2028, 2, 14)),
        ("end-of-last-week", date(2028, 2, 20)),
        ("start-of-this-month", date(2028, 2, 1)),
        ("end-of-this-month", date(2028, 2, 29)),
        ("start-of-last-month", date(2028, 1, 1)),
        ("end-of-last-month", date(2028, 1, 31)),
        ("start-of-this-quarter", date(2028, 1, 1)),
        ("end-of-this-quarter", date(2028, 3, 31)),
        ("start-of-last-quarter", date(2027, 10, 1)),
        ("end-of-last-quarter", date(2027, 12, 31)),
        ("start-of-this-year", date(2028, 1, 1)),
        ("end-of-this-year", date(2028, 12, 31)),
        ("start-of-last-year", date(2027, 1, 1)),
        ("end-of-last-year", date(2027, 12, 31)),
    ],
)
def test_each_moment_has_its_date(name: str, expected: date) -> None:
    assert resolve(name, "date", day=SUNDAY, zone=UTC_ZONE) == expected


def test_the_table_has_no_moment_that_is_not_tested() -> None:
    [parameters] = [mark for mark in test_each_moment_has_its_date.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert [name for name, _ in parameters.args[1]] == list(MOMENTS)


@pytest.mark.parametrize(("name", "year"), [("this-year", 2028), ("last-year", 2027)])
def test_a_year_is_a_number(name: str, year: int) -> None:
    assert resolve(name, "year", day=SUNDAY, zone=UTC_ZONE) == year


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("today", "2028-02-27T00:00:00+09:00"),
        ("end-of-today", "2028-02-27T23:59:59.999999+09:00"),
        ("end-of-yesterday", "2028-02-26T23:59:59.999999+09:00"),
        ("end-of-last-week", "2028-02-20T23:59:59.999999+09:00"),
    ],
)
def test_with_a_time_a_start_is_midnight_and_an_end_the_last_microsecond(name: str, expected: str) -> None:
    found = resolve(name, "datetime", day=SUNDAY, zone=ZoneInfo("Asia/Tokyo"))
    assert isinstance(found, datetime)
    assert found.isoformat() == expected


def test_a_day_without_a_midnight_begins_after_the_gap() -> None:
    """In Cairo, the clock goes from 23:59:59 on April 23 to 01:00 on April 24, 2026."""
    found: Any = resolve("today", "datetime", day=date(2026, 4, 24), zone=ZoneInfo("Africa/Cairo"))
    assert found.astimezone(UTC) == datetime(2026, 4, 23, 22, tzinfo=UTC)


def test_a_day_whose_last_hour_comes_twice_ends_with_the_second() -> None:
    """In Cairo, 23:00 to 24:00 comes twice on October 29, 2026: first at UTC+3, then at UTC+2."""
    found: Any = resolve("end-of-today", "datetime", day=date(2026, 10, 29), zone=ZoneInfo("Africa/Cairo"))
    assert found.astimezone(UTC) == datetime(2026, 10, 29, 21, 59, 59, 999999, tzinfo=UTC)


@given(DAYS, ZONES)
def test_a_period_begins_where_the_one_before_it_ends(day: date, zone: ZoneInfo) -> None:
    for period in ("week", "month", "quarter", "year"):
        last: Any = resolve(f"end-of-last-{period}", "datetime", day=day, zone=zone)
        this: Any = resolve(f"start-of-this-{period}", "datetime", day=day, zone=zone)
        assert this.astimezone(UTC) - last.astimezone(UTC) == timedelta(microseconds=1)


@given(DAYS)
def test_today_lies_in_this_period_and_not_in_the_last(day: date) -> None:
    for period in ("week", "month", "quarter", "year"):
        edges: list[Any] = [
            resolve(f"{edge}-of-{which}-{period}", "date", day=day, zone=UTC_ZONE)
            for which in ("last", "this")
            for edge in ("start", "end")
        ]
        assert edges == sorted(edges)
        assert edges[2] <= day <= edges[3]


@given(DAYS)
def test_weeks_start_on_monday_and_have_seven_days(day: date) -> None:
    start: Any = resolve("start-of-this-week", "date", day=day, zone=UTC_ZONE)
    end: Any = resolve("end-of-this-week", "date", day=day, zone=UTC_ZONE)
    assert (start.isoweekday(), end.isoweekday(), (end - start).days) == (1, 7, 6)


def test_labels_name_the_time_where_there_is_one() -> None:
    assert label_of("start-of-last-week", "date") == "Start of last week"
    assert label_of("start-of-last-week", "datetime") == "Start of last week, 00:00"
    assert label_of("end-of-last-week", "datetime") == "End of last week, 23:59:59"
    assert [name for name, _ in moments_for("year")] == ["this-year", "last-year"]


@pytest.mark.parametrize("sort", get_args(Sort))
def test_every_moment_on_offer_can_be_resolved(sort: Sort) -> None:
    for name, label in moments_for(sort):
        assert label
        assert resolve(name, sort, day=SUNDAY, zone=UTC_ZONE)


@pytest.mark.parametrize(
    ("name", "sort"), [("tomorrow", "date"), ("end-of-today", "date"), ("today", "year"), ("", "date")]
)
def test_an_unknown_moment_is_refused(name: str, sort: Sort) -> None:
    with pytest.raises(UnknownMomentError):
        resolve(name, sort, day=SUNDAY, zone=UTC_ZONE)
