"""Dates, times and durations: ISO 8601, or the formats of a column. No `today`, no `infinity`, no `24:00`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils import timezone
from psycopg import sql

from uploads.ingest.cells import all_of, any_of, cast, cleaned, damaged_moment, is_filled, is_valid, matches
from uploads.ingest.pieces import Reading
from uploads.ingest.strptime import iso_text, pattern_of

_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK: Final = r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_OFFSET: Final = " ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
ISO_DATE: Final = f"^{_DAY}$"
ISO_TIME: Final = f"^{_CLOCK}$"
ISO_MOMENT: Final = f"^{_DAY}([T ]{_CLOCK})?$"
ISO_MOMENT_WITH_OFFSET: Final = f"^{_DAY}[T ]{_CLOCK}{_OFFSET}$"
#: ISO 8601 with each digit as 0 and T as a blank: a list of them is compared faster than a pattern.
_SHAPES: Final = tuple(
    f"0000-00-00 00:00{seconds}" for seconds in ("", ":00", *(f":00.{'0' * digits}" for digits in range(1, 7)))
)
_SHAPES_WITH_OFFSET: Final = tuple(
    shape + offset
    for shape in _SHAPES
    for offset in ("Z", *(sign + zone for sign in "+-" for zone in ("00", "00:00", "0000")))
)
_DURATION: Final = (
    r"^(-?[0-9]+ days?,? ?)?([+-]?[0-9]+:[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?)?$|^-?P(?=[0-9T])"
    r"([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,6})?S)?)?$"
)


def read_date(cell: sql.Composable, formats: Sequence[str] = ()) -> Reading:
    """A day."""
    clean = cleaned(cell)
    if formats:
        return _by_formats(cell, clean, formats, "date")
    # The text that PostgreSQL writes for it has 10 characters, unlike "infinity".
    canonical = all_of(is_valid(cell, "date"), sql.SQL("{0}::date::text = {0} AND octet_length({0}) = 10").format(cell))
    iso = all_of(matches(clean, ISO_DATE), is_valid(clean, "date"))
    typed = sql.SQL("CASE WHEN {} THEN {} WHEN {} THEN {} END").format(
        canonical, cast(cell, "date"), iso, cast(clean, "date")
    )
    return Reading(typed, is_filled(cell), {"spreadsheet-damage": damaged_moment(clean)})


def read_time(cell: sql.Composable, formats: Sequence[str] = ()) -> Reading:
    """A time of day."""
    clean = cleaned(cell)
    if formats:
        return _by_formats(cell, clean, formats, "time")
    typed = sql.SQL("CASE WHEN {} THEN {} END").format(
        all_of(matches(clean, ISO_TIME), is_valid(clean, "time")), cast(clean, "time")
    )
    return Reading(typed, is_filled(cell), {"spreadsheet-damage": damaged_moment(clean)})


def read_duration(cell: sql.Composable) -> Reading:
    """A duration as Python and PostgreSQL write it, `1 day, 2:03:04` and `1 day 02:03:04`, or as ISO 8601 does."""
    clean = cleaned(cell)
    typed = sql.SQL("CASE WHEN {} THEN {} END").format(
        all_of(matches(clean, _DURATION), is_valid(clean, "interval")),
        cast(sql.SQL("replace({}, ',', '')").format(clean), "interval"),
    )
    return Reading(typed, is_filled(cell), {"spreadsheet-damage": damaged_moment(clean)})


def read_moment(cell: sql.Composable, formats: Sequence[str] = ()) -> Reading:
    """A date and time. Without an offset, it is in the default time zone, where it must exist and not occur twice."""
    clean = cleaned(cell)
    if formats:
        return _by_formats(cell, clean, formats, "timestamptz")
    shape = sql.SQL("translate({}, '123456789T', '000000000 ')").format(cell)
    no_wonder = sql.SQL("{0} NOT LIKE '___________24:%' AND {0} NOT LIKE '%:60%'").format(cell)  # PostgreSQL rolls over
    typed = sql.SQL(
        "CASE WHEN {shaped} THEN {cell_moment} WHEN {shaped_local} THEN {cell_local}"
        " WHEN {with_offset} THEN {clean_moment} WHEN {local} THEN {clean_local} END"
    ).format(
        shaped=all_of(_is_one_of(shape, _SHAPES_WITH_OFFSET), no_wonder, is_valid(cell, "timestamptz")),
        cell_moment=cast(cell, "timestamptz"),
        shaped_local=all_of(_is_one_of(shape, _SHAPES), no_wonder, is_valid(cell, "timestamp")),
        cell_local=in_default_zone(cast(cell, "timestamp")),
        with_offset=all_of(matches(clean, ISO_MOMENT_WITH_OFFSET), is_valid(clean, "timestamptz")),
        clean_moment=cast(clean, "timestamptz"),
        local=all_of(matches(clean, ISO_MOMENT), is_valid(clean, "timestamp")),
        clean_local=in_default_zone(cast(clean, "timestamp")),
    )
    return Reading(typed, is_filled(cell), {"spreadsheet-damage": damaged_moment(clean)})


def _is_one_of(text: sql.Composable, texts: Sequence[str]) -> sql.Composable:
    return sql.SQL("{} IN ({})").format(text, sql.SQL(", ").join(map(sql.Literal, texts)))


def in_default_zone(local: sql.Composable) -> sql.Composable:
    """The moment of a local time. NULL where clocks are set forward over it, or back to it."""
    zone = timezone.get_default_timezone_name()
    here = sql.SQL("AT TIME ZONE {}").format(sql.Literal(zone))
    moment = sql.SQL("({} {})").format(local, here)
    if zone == "UTC":
        return moment
    # PostgreSQL moves a time in a gap, and takes the later of two: the other is as much earlier as clocks are set back.
    twice = any_of(
        *(
            sql.SQL("(({} - interval {}) {}) = {}").format(moment, sql.Literal(f"{minutes} minutes"), here, local)
            for minutes in (20, 30, 40, 60, 120)
        )
    )
    return sql.SQL("CASE WHEN ({} {}) = {} AND NOT {} THEN {} END").format(moment, here, local, twice, moment)


def _by_formats(cell: sql.Composable, clean: sql.Composable, formats: Sequence[str], type_name: str) -> Reading:
    cases = []
    for one in formats:
        iso, has_offset = iso_text(clean, one, type_name)
        plain = "timestamp" if type_name == "timestamptz" and not has_offset else type_name
        value = cast(iso, plain)
        cases.append(
            sql.SQL("WHEN {} THEN {}").format(
                all_of(matches(clean, pattern_of(one)), is_valid(iso, plain)),
                in_default_zone(value) if plain == "timestamp" else value,
            )
        )
    typed = sql.SQL("CASE {} END").format(sql.SQL(" ").join(cases))
    return Reading(typed, is_filled(cell), {"spreadsheet-damage": damaged_moment(clean)})
