"""Numbers: stricter than PostgreSQL, which also reads `0x1F`, `1_000`, `1e3` and `NaN`."""

from __future__ import annotations

from typing import Final, Literal

from psycopg import sql

from uploads.ingest.cells import (
    all_of,
    any_of,
    cast,
    cleaned,
    damaged_number,
    error_value,
    is_filled,
    is_valid,
    matches,
)
from uploads.ingest.pieces import Reading

_INTEGER: Final = r"^\s*[+-]?[0-9]+\s*$"
#: Between groups of thousands, beside the point or comma: apostrophes, a space, and the spaces that do not break.
_GROUPS: Final = "'\u2019 \u00a0\u202f"
#: Groups of three digits are optional, but one number has one separator of groups.
_NUMBER: Final = (
    r"^[+-]?(?=[{point}]?[0-9])([0-9]*|[0-9]{{1,3}}(([{groups}])[0-9]{{3}})(\3[0-9]{{3}})*)([{point}][0-9]*)?$"
)
_EXPONENT: Final = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
_LARGEST_DOUBLE: Final = sql.SQL("1.7976931348623157e308::float8")

Point = Literal[".", ","]


def number_pattern(point: Point) -> str:
    """A regular expression of PostgreSQL for decimal numbers with this decimal separator, and groups of thousands."""
    return _NUMBER.format(point=point, groups={".": ",", ",": "."}[point] + _GROUPS)


def _plain(number: sql.Composable, point: Point) -> sql.Composable:
    """A number without its groups, and with a point."""
    other = {".": ",", ",": "."}[point]
    return sql.SQL("translate({}, {}, '.')").format(number, sql.Literal(point + other + _GROUPS))


def read_integer(cell: sql.Composable, type_name: str) -> Reading:
    """Digits with an optional sign. `type_name` is the type of PostgreSQL, whose range applies."""
    clean = cleaned(cell)
    typed = sql.SQL(
        "CASE WHEN {valid} THEN CASE WHEN {number}::text = {cell} OR {plain} THEN {number} END"
        " WHEN {clean_valid} THEN {clean_number} END"
    ).format(
        valid=is_valid(cell, type_name),
        number=cast(cell, type_name),
        cell=cell,
        plain=matches(cell, _INTEGER),
        clean_valid=all_of(is_valid(clean, type_name), matches(clean, _INTEGER)),
        clean_number=cast(clean, type_name),
    )
    faults = {"spreadsheet-damage": damaged_number(clean), "out-of-range": matches(clean, _INTEGER)}
    return Reading(typed, is_filled(cell), faults)


def read_decimal(cell: sql.Composable, *, digits: int, places: int, point: Point = ".") -> Reading:
    """A number of at most `digits` digits, `places` of them behind the point. More are refused, never rounded."""
    limit = sql.SQL("1{}".format("0" * (digits - places)))
    clean = cleaned(cell)
    plain = _plain(clean, point)

    def checked(text: sql.Composable) -> sql.Composable:
        number = cast(text, "numeric")
        # NaN is larger than all numbers.
        fits = sql.SQL("{0} > -{1} AND {0} < {1} AND min_scale({0}) <= {2}").format(number, limit, sql.Literal(places))
        return sql.SQL("CASE WHEN {} THEN {} END").format(fits, number)

    def numeric(condition: sql.Composable) -> sql.Composable:
        return all_of(matches(clean, number_pattern(point)), is_valid(plain, "numeric"), condition)

    slow = sql.SQL("CASE WHEN {} THEN {} END").format(numeric(sql.SQL("true")), checked(plain))
    typed = slow
    if point == ".":
        exact_type = f"numeric({digits},{places})"
        # As PostgreSQL itself writes it; then any number of decimals.
        exact = all_of(
            is_valid(cell, exact_type),
            sql.SQL("{0}::{1}::text = {0} AND {0} <> 'NaN'").format(cell, sql.SQL(exact_type)),
        )
        canonical = all_of(is_valid(cell, "numeric"), sql.SQL("{0}::numeric::text = {0}").format(cell))
        typed = sql.SQL("CASE WHEN {} THEN {} WHEN {} THEN {} ELSE {} END").format(
            exact, cast(cell, exact_type), canonical, checked(cell), slow
        )
    number = cast(plain, "numeric")
    faults = {
        "spreadsheet-damage": damaged_number(clean),
        "out-of-range": any_of(
            numeric(sql.SQL("abs({}) >= {}").format(number, limit)),
            all_of(matches(clean, number_pattern(point)), sql.SQL("NOT {}").format(is_valid(plain, "numeric"))),
        ),
        "too-many-decimals": numeric(sql.SQL("true")),
    }
    return Reading(typed, is_filled(cell), faults)


def read_float(cell: sql.Composable, *, point: Point = ".") -> Reading:
    """A number, with an exponent if need be; neither NaN nor infinite."""
    clean = cleaned(cell)
    plain = _plain(clean, point)
    is_number = any_of(
        matches(clean, number_pattern(point)),
        matches(clean, _EXPONENT.replace("[.]", f"[{point}]")),
    )
    number = cast(plain, "float8")
    slow = sql.SQL("CASE WHEN {} THEN {} END").format(all_of(is_number, is_valid(plain, "float8")), number)
    typed = slow
    if point == ".":
        fast = cast(cell, "float8")
        canonical = all_of(
            is_valid(cell, "float8"), sql.SQL("{0}::text = {1} AND abs({0}) <= {2}").format(fast, cell, _LARGEST_DOUBLE)
        )
        typed = sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(canonical, fast, slow)
    return Reading(typed, is_filled(cell), {"spreadsheet-damage": error_value(clean), "out-of-range": is_number})
