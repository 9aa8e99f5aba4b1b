"""The format of a column of dates, decided from all its cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from jobs.joining import join_words
from uploads.ingest.fields import FileColumn
from uploads.ingest.moments import read_date, read_moment
from uploads.ingest.pieces import AmbiguousFormatError
from uploads.row_codes import message_for
from uploads.row_codes.files import AMBIGUOUS_DATE

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_MONTH: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_FULL_MONTH: Final = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
#: A date with each digit as 0 → the formats that it may be in. With points, the month never comes first.
_FAMILIES: Final = {
    r"00?/00?/0000": ("%d/%m/%Y", "%m/%d/%Y"),
    r"00?-00?-0000": ("%d-%m-%Y", "%m-%d-%Y"),
    r"00?/00?/00": ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d"),
    r"00?-00?-00": ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d"),
    r"00?\.00?\.0000": ("%d.%m.%Y",),
    r"00?\.00?\.00": ("%d.%m.%y",),
    r"0000-00?-00?": ("%Y-%m-%d",),
    r"0000/00?/00?": ("%Y/%m/%d",),
    r"0000\.00?\.00?": ("%Y.%m.%d",),
    r"00000000": ("%Y%m%d",),
    r"0000年00?月00?日": ("%Y年%m月%d日",),
    rf"00?-{_MONTH}-0000": ("%d-%b-%Y",),
    rf"00?-{_MONTH}-00": ("%d-%b-%y",),
    rf"00? {_MONTH} 0000": ("%d %b %Y",),
    rf"{_MONTH} 00?, 0000": ("%b %d, %Y",),
    rf"00? {_FULL_MONTH} 0000": ("%d %B %Y",),
    rf"{_FULL_MONTH} 00?, 0000": ("%B %d, %Y",),
}
#: A time behind a date, in the same way.
_CLOCKS: Final = {
    r"": "",
    r" 00?:00": " %H:%M",
    r" 00?:00:00": " %H:%M:%S",
    r" 00?:00:00\.0{1,6}": " %H:%M:%S.%f",
    r" 00?:00 [AaPp][Mm]": " %I:%M %p",
    r" 00?:00:00 [AaPp][Mm]": " %I:%M:%S %p",
}
_ISO: Final = re.compile(
    r"0000-00-00(?:[T ]00?:00(?::00(?:\.0{1,6})?)?(?: ?(?:Z|[+-]00(?::?00)?))?)?",
)
_WORDS: Final = {"d": "DD", "m": "MM", "Y": "YYYY", "y": "YY"}
#: A column with more kinds of cells than this is no column of dates.
_MOST_SHAPES: Final = 2000
#: A longer cell is no date in any of the formats, and is left in the database. Bytes.
_LONGEST_DATE: Final = 64


def decide_dates(
    connection: BaseDatabaseWrapper,
    cell: sql.Composable,
    records: sql.Composable,
    column: FileColumn,
    *,
    is_sensitive: bool,
) -> tuple[str, ...]:
    """The formats of a column; none for ISO 8601. `records` is a FROM clause. The error quotes no sensitive cell.

    The family of formats that most cells belong to is taken; the other cells have errors. Among the orders of day and
    month of one family, exactly one must fit all its cells, or all must mean the same. Raises AmbiguousFormatError.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    clocks: dict[tuple[str, ...], set[str]] = {}
    for shape, count in _shapes(connection, cell, records):
        days, clock = _formats_of(shape, with_clock=column.type == "datetime")
        if days is not None:
            counts[days] += count
            clocks.setdefault(days, set()).add(clock)
    if not counts:
        return ()
    days = max(counts, key=lambda one: (counts[one], not one))
    candidates = [tuple(day + clock for clock in sorted(clocks[days])) for day in days]
    if len(candidates) > 1:
        return _decide(connection, cell, records, candidates, column, is_sensitive)
    return candidates[0] if candidates else ()


def _shapes(connection: BaseDatabaseWrapper, cell: sql.Composable, records: sql.Composable) -> list[tuple[str, int]]:
    statement = sql.SQL(
        "SELECT translate(btrim({0}), '123456789', '000000000'), count(*) {1} AND {0} <> ''"
        " AND octet_length({0}) <= {3} GROUP BY 1 ORDER BY 2 DESC LIMIT {2}"
    ).format(cell, records, sql.Literal(_MOST_SHAPES), sql.Literal(_LONGEST_DATE))
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _formats_of(shape: str, *, with_clock: bool) -> tuple[tuple[str, ...] | None, str]:
    """The possible formats of the day, and the format of the time. No formats: ISO 8601. None: no date at all."""
    if _ISO.fullmatch(shape):
        return (), ""
    for clock, clock_format in _CLOCKS.items() if with_clock else [("", "")]:
        for day, formats in _FAMILIES.items():
            if re.fullmatch(f"(?:{day})(?:{clock})", shape, re.IGNORECASE):
                return formats, clock_format
    return None, ""


def _decide(
    connection: BaseDatabaseWrapper,
    cell: sql.Composable,
    records: sql.Composable,
    candidates: Sequence[tuple[str, ...]],
    column: FileColumn,
    is_sensitive: bool,
) -> tuple[str, ...]:
    read = read_date if column.type == "date" else read_moment
    names = [sql.Identifier(f"t{number}") for number in range(len(candidates))]
    typed = [
        sql.SQL("{} AS {}").format(read(sql.Identifier("cell"), one).typed, name)
        for one, name in zip(candidates, names, strict=True)
    ]
    pairs = list(combinations(range(len(candidates)), 2))
    fits = [sql.SQL("bool_and({} IS NOT NULL)").format(name) for name in names]
    same = [sql.SQL("bool_and({} IS NOT DISTINCT FROM {})").format(names[one], names[two]) for one, two in pairs]
    statement = sql.SQL(
        "SELECT {}, min(cell), max(cell) FROM (SELECT cell, {} FROM (SELECT DISTINCT {} AS cell {}) AS cells OFFSET 0)"
        " AS typed WHERE COALESCE({}) IS NOT NULL"
    ).format(sql.SQL(", ").join([*fits, *same]), sql.SQL(", ").join(typed), cell, records, sql.SQL(", ").join(names))
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row: Sequence[Any] = cursor.fetchone() or ()
    fitting = [number for number in range(len(candidates)) if row[number]]
    agree = dict(zip(pairs, row[len(candidates) : len(candidates) + len(pairs)], strict=True))
    if len(fitting) == 1 or (fitting and all(agree[pair] for pair in combinations(fitting, 2))):
        return candidates[fitting[0]]
    if row[0] is None:  # no cell is a date in any of them
        return ()
    formats = " / ".join(re.sub("%([dmYy])", lambda code: _WORDS[code[1]], one[0]) for one in candidates)
    samples = join_words(dict.fromkeys(row[-2:]))
    detail = message_for(
        AMBIGUOUS_DATE, is_sensitive=is_sensitive, heading=column.heading, value=samples, formats=formats
    )
    raise AmbiguousFormatError(AMBIGUOUS_DATE, detail)
