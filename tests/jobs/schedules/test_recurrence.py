"""When a schedule runs: by the calendar, and where the clock is changed."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django_celery_beat.models import CrontabSchedule
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.schedules.recurrence import (
    InvalidRecurrenceError,
    Recurrence,
    check_recurrence,
    crontab_fields,
    run_times,
)

BERLIN, NEW_YORK, LORD_HOWE, TOKYO = (
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo")
)
#: When the clock of a zone changes in 2026, forwards and back.
CHANGES = {
    BERLIN: ("03-29T01:00", "10-25T01:00"),
    NEW_YORK: ("03-08T07:00", "11-01T06:00"),
    LORD_HOWE: ("10-03T15:30", "04-04T15:00"),
    ZoneInfo("Africa/Cairo"): ("04-23T22:00", "10-29T21:00"),
}
ZONES = st.sampled_from([*CHANGES, TOKYO, ZoneInfo("UTC")])
STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def places(draw: Any) -> tuple[ZoneInfo, datetime]:
    """A zone and a time to start from: any, or as often one near a change of the clock of that zone."""
    if draw(st.booleans()):
        return draw(ZONES), draw(STARTS)
    zone = draw(st.sampled_from(list(CHANGES)))
    change = datetime.fromisoformat(f"2026-{draw(st.sampled_from(CHANGES[zone]))}Z")
    return zone, change + timedelta(minutes=draw(st.integers(-120, 120)))


def cron(expression: str) -> Recurrence:
    return Recurrence("cron", expression=expression)


def local(recurrence: Recurrence, zone: ZoneInfo, start: str, count: int) -> list[str]:
    """The next times by the clock of the zone, with its offset."""
    times = run_times(recurrence, zone, start=datetime.fromisoformat(start), min_minutes=15)
    return [f"{time.astimezone(zone):%a %Y-%m-%d %H:%M%z}" for time in islice(times, count)]


@st.composite
def recurrences(draw: Any) -> Recurrence:
    every = draw(st.sampled_from(["day", "weekday", "week", "month", "cron"]))
    at = {"hour": draw(st.one_of(st.integers(1, 3), st.integers(0, 23))), "minute": draw(st.integers(0, 59))}
    match every:
        case "week":
            return Recurrence(every, **at, days=tuple(draw(st.sets(st.integers(1, 7), min_size=1))))
        case "month":
            return Recurrence(every, **at, day=draw(st.integers(0, 28)))
        case "cron":
            hours = draw(st.sampled_from(["*", "*/2", "1-3", "2", "0,23"]))
            days = draw(st.sampled_from(["* * *", "1,15 * *", "L * *", "13 * 5", "* 3,10 0", "* * 7L"]))
            return cron(f"{draw(st.sampled_from(['*/15', '0,30', '5', '59']))} {hours} {days}")
    return Recurrence(every, **at)


@pytest.mark.parametrize(
    ("recurrence", "expected"),
    [
        (Recurrence("day", 7), ["Mon 2026-11-30 07:00+0900", "Tue 2026-12-01 07:00+0900"]),
        (Recurrence("weekday", 7), ["Mon 2026-11-30 07:00+0900", "Tue 2026-12-01 07:00+0900"]),
        (Recurrence("week", 7, days=(1,)), ["Mon 2026-11-30 07:00+0900", "Mon 2026-12-07 07:00+0900"]),
        (Recurrence("week", 7, 5, days=(7, 3)), ["Wed 2026-12-02 07:05+0900", "Sun 2026-12-06 07:05+0900"]),
        (Recurrence("month", 7, day=28), ["Mon 2026-12-28 07:00+0900", "Thu 2027-01-28 07:00+0900"]),
        (Recurrence("month", 7), ["Mon 2026-11-30 07:00+0900", "Thu 2026-12-31 07:00+0900"]),
        (cron("0 7 1 */3 *"), ["Fri 2027-01-01 07:00+0900", "Thu 2027-04-01 07:00+0900"]),
    ],
)
def test_it_runs_by_the_calendar_of_its_zone(recurrence: Recurrence, expected: list[str]) -> None:
    assert local(recurrence, TOKYO, "2026-11-29T12:00+09:00", 2) == expected


def test_the_start_itself_is_the_first_time() -> None:
    assert local(Recurrence("day", 7), TOKYO, "2026-11-29T07:00+09:00", 1) == ["Sun 2026-11-29 07:00+0900"]
    assert local(Recurrence("day", 7), TOKYO, "2026-11-29T07:00:00.000001+09:00", 1) == ["Mon 2026-11-30 07:00+0900"]


@pytest.mark.parametrize(
    ("zone", "at", "start", "expected"),
    [
        # 02:00 to 03:00 is skipped.
        (BERLIN, (2, 30), "2026-03-28T12:00+01:00", ["Sun 2026-03-29 03:00+0200", "Mon 2026-03-30 02:30+0200"]),
        (NEW_YORK, (2, 0), "2026-03-07T12:00-05:00", ["Sun 2026-03-08 03:00-0400", "Mon 2026-03-09 02:00-0400"]),
        # 02:00 to 02:30 is skipped: half an hour.
        (LORD_HOWE, (2, 15), "2026-10-03T12:00+10:30", ["Sun 2026-10-04 02:30+1100", "Mon 2026-10-05 02:15+1100"]),
        (LORD_HOWE, (2, 45), "2026-10-03T12:00+10:30", ["Sun 2026-10-04 02:45+1100", "Mon 2026-10-05 02:45+1100"]),
    ],
)
def test_a_skipped_time_runs_right_after_the_gap(
    zone: ZoneInfo, at: tuple[int, int], start: str, expected: list[str]
) -> None:
    assert local(Recurrence("day", *at), zone, start, 2) == expected


@pytest.mark.parametrize(
    ("zone", "at", "start", "expected"),
    [
        (BERLIN, (2, 30), "2026-10-24T12:00+02:00", ["Sun 2026-10-25 02:30+0200", "Mon 2026-10-26 02:30+0100"]),
        (NEW_YORK, (1, 0), "2026-10-31T12:00-04:00", ["Sun 2026-11-01 01:00-0400", "Mon 2026-11-02 01:00-0500"]),
        (LORD_HOWE, (1, 45), "2026-04-04T12:00+11:00", ["Sun 2026-04-05 01:45+1100", "Mon 2026-04-06 01:45+1030"]),
    ],
)
def test_a_repeated_time_runs_once(zone: ZoneInfo, at: tuple[int, int], start: str, expected: list[str]) -> None:
    assert local(Recurrence("day", *at), zone, start, 2) == expected


def test_a_repeated_time_does_not_run_again_when_asked_for_in_between() -> None:
    """02:10 has come for the second time, and 02:30 has run an hour ago."""
    assert local(Recurrence("day", 2, 30), BERLIN, "2026-10-25T02:10+01:00", 1) == ["Mon 2026-10-26 02:30+0100"]


def test_two_skipped_times_run_once() -> None:
    expected = ["Sun 2026-03-29 03:00+0200", "Mon 2026-03-30 02:00+0200", "Mon 2026-03-30 02:30+0200"]
    assert local(cron("0,30 2 * * *"), BERLIN, "2026-03-28T12:00+01:00", 3) == expected


def test_times_that_a_gap_moves_together_stay_apart() -> None:
    """02:50 moves to 03:00, which is five minutes before the regular 03:05."""
    assert local(cron("5,50 2,3 * * *"), BERLIN, "2026-03-29T00:00+01:00", 3) == [
        "Sun 2026-03-29 03:00+0200", "Sun 2026-03-29 03:50+0200", "Mon 2026-03-30 02:05+0200",
    ]  # fmt: skip


def test_an_hourly_expression_follows_the_clock_as_it_goes() -> None:
    assert local(cron("0 * * * *"), BERLIN, "2026-10-25T02:00+02:00", 3) == [
        "Sun 2026-10-25 02:00+0200", "Sun 2026-10-25 02:00+0100", "Sun 2026-10-25 03:00+0100",
    ]  # fmt: skip


@pytest.mark.slow
@settings(max_examples=500)
@given(recurrences(), places())
def test_times_are_in_order_never_in_the_past_and_apart(
    recurrence: Recurrence, place: tuple[ZoneInfo, datetime]
) -> None:
    zone, start = place
    times = list(islice(run_times(recurrence, zone, start=start, min_minutes=15), 40))
    assert times[0] >= start
    assert all(later - earlier >= timedelta(minutes=15) for earlier, later in pairwise(times))


@pytest.mark.slow
@settings(max_examples=500)
@given(recurrences(), places())
def test_going_on_from_a_time_gives_the_same_times(recurrence: Recurrence, place: tuple[ZoneInfo, datetime]) -> None:
    """A schedule asks for the next time after each run: it must not run one twice, and not leave one out."""
    zone, start = place
    at_once = list(islice(run_times(recurrence, zone, start=start, min_minutes=15), 10))
    one_by_one: list[datetime] = []
    for _ in range(10):
        one_by_one.append(next(run_times(recurrence, zone, start=start, min_minutes=15)))
        start = one_by_one[-1] + timedelta(minutes=15)
    assert one_by_one == at_once


@pytest.mark.slow
@settings(max_examples=500)
@given(recurrences(), places())
def test_beat_rings_at_each_time_that_exists(recurrence: Recurrence, place: tuple[ZoneInfo, datetime]) -> None:
    """It may ring at others, too. A time that a gap has moved is left to the sweep."""
    zone, start = place
    fields = crontab_fields(recurrence)
    crontab = CrontabSchedule(**fields, timezone=zone).schedule
    for time in islice(run_times(recurrence, zone, start=start, min_minutes=15), 5):
        there = time.astimezone(zone)
        if there.minute in crontab.minute and there.hour in crontab.hour:
            assert there.day in crontab.day_of_month
            assert there.month in crontab.month_of_year
            assert there.isoweekday() % 7 in crontab.day_of_week


@pytest.mark.parametrize(
    ("recurrence", "expected"),
    [
        (Recurrence("week", 7, days=(7, 1)), ("0", "7", "*", "*", "0,1")),
        (Recurrence("month", 7), ("0", "7", "*", "*", "*")),
        (Recurrence("month", 7, day=15), ("0", "7", "15", "*", "*")),
        (cron("*/15 * 13 * FRI"), ("0,15,30,45", "*", "*", "*", "*")),
        (cron("0 0 * JAN MON#1"), ("0", "0", "*", "1", "*")),
    ],
)
def test_the_crontab_is_what_celery_understands(recurrence: Recurrence, expected: tuple[str, ...]) -> None:
    assert tuple(crontab_fields(recurrence).values()) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "Enter five fields: minute, hour, day of the month, month and day of the week."),
        ("0 7 * *", "Enter five fields: minute, hour, day of the month, month and day of the week."),
        ("0 0 7 * * *", "Enter five fields: minute, hour, day of the month, month and day of the week."),
        (
            f"{','.join(['0'] * 60)} 7 * * *",
            "Enter five fields: minute, hour, day of the month, month and day of the week.",
        ),
        ("60 7 * * *", "The field for the minute is not valid."),
        ("0 24 * * *", "The field for the hour is not valid."),
        ("0 7 0 * *", "The field for the day of the month is not valid."),
        ("0 7 30 2 *", "The field for the day of the month is not valid."),
        ("0 7 * x *", "The field for the month is not valid."),
        ("0 7 * * 8", "The field for the day of the week is not valid."),
        ("* * * * *", "A schedule may run at most once every 15 minutes."),
        ("0,14 7 * * *", "A schedule may run at most once every 15 minutes."),
        ("0,50 0,23 * * *", "A schedule may run at most once every 15 minutes."),
        ("0 0 */20 * 1L", "No date matches this expression."),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused(expression: str, message: str) -> None:
    with pytest.raises(InvalidRecurrenceError) as refused:
        check_recurrence(cron(expression), min_minutes=15)
    assert str(refused.value) == message


@pytest.mark.parametrize("expression", ["*/15 * * * *", "0 7 29 2 *", "0 7 L * *", "0 7 LW * *", "0 7 * JAN-MAR MON#1"])
def test_an_expression_that_can_be_used_is_accepted(expression: str) -> None:
    check_recurrence(cron(expression), min_minutes=15)
    assert local(cron(expression), BERLIN, "2026-01-01T00:00+01:00", 1)


def test_a_weekly_schedule_needs_a_day() -> None:
    with pytest.raises(InvalidRecurrenceError, match="Choose at least one day of the week"):
        check_recurrence(Recurrence("week", 7), min_minutes=15)


@given(st.text(alphabet="0123456789*/,-#LWMONJAN \t٣", max_size=110))
def test_nothing_that_a_user_enters_raises_another_error(expression: str) -> None:
    try:
        check_recurrence(cron(expression), min_minutes=15)
    except InvalidRecurrenceError:
        return
    crontab_fields(cron(expression))
    list(islice(run_times(cron(expression), BERLIN, start=datetime(2026, 1, 1, tzinfo=UTC), min_minutes=15), 3))


@given(recurrences())
def test_a_recurrence_survives_its_row(recurrence: Recurrence) -> None:
    assert Recurrence.from_json(recurrence.to_json()) == recurrence
