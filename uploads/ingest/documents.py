"""JSON: what PostgreSQL reads without an error, and Python afterwards."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from uploads.ingest.cells import all_of, any_of, cast, cleaned, error_value, is_filled, is_valid, matches
from uploads.ingest.pieces import Reading

#: PostgreSQL ends the statement at some 15,000 levels, and Python reads less than 1,000.
_MOST_LEVELS: Final = 500
#: Python reads whole numbers of up to 4,300 digits (`sys.set_int_max_str_digits`).
_TOO_LARGE: Final = "$.** ? (@ >= 1e4300 || @ <= -1e4300)"
#: Shorter texts without an exponent of four digits have no such number.
_LONG: Final = 3000
_EXPONENT: Final = r"(^|[,:[\s])-?[0-9]+(\.[0-9]+)?[eE][+]?[0-9]{4}"
#: Everything but the brackets: texts, which may contain some, and all other characters.
_NO_BRACKETS: Final = r'"([^"\\]|\\.)*"|[^]["{}]+'


def read_json(cell: sql.Composable) -> Reading:
    """A JSON document."""
    clean = cleaned(cell)
    typed = sql.SQL("CASE WHEN {} THEN {} WHEN {} THEN {} END").format(
        _is_readable(cell), cast(cell, "jsonb"), _is_readable(clean), cast(clean, "jsonb")
    )
    return Reading(typed, is_filled(cell), {"spreadsheet-damage": error_value(clean)})


def _is_readable(text: sql.Composable) -> sql.Composable:
    is_short = sql.SQL("octet_length({}) <= {}").format(text, sql.Literal(2 * _MOST_LEVELS))
    few_brackets = sql.SQL("length({0}) - length(translate({0}, '[{{', '')) <= {1}").format(
        text, sql.Literal(_MOST_LEVELS)
    )
    is_shallow = any_of(is_short, few_brackets, sql.SQL("{} <= {}").format(_levels(text), sql.Literal(_MOST_LEVELS)))
    may_be_large = any_of(sql.SQL("octet_length({}) > {}").format(text, sql.Literal(_LONG)), matches(text, _EXPONENT))
    is_large = sql.SQL("jsonb_path_exists({}, {})").format(cast(text, "jsonb"), sql.Literal(_TOO_LARGE))
    return all_of(is_shallow, is_valid(text, "jsonb"), sql.SQL("NOT {}").format(all_of(may_be_large, is_large)))


def _levels(text: sql.Composable) -> sql.Composable:
    """How deep the brackets are nested. The texts of a document are skipped."""
    brackets = sql.SQL("regexp_replace({}, {}, '', 'g')").format(text, sql.Literal(_NO_BRACKETS))
    return sql.SQL(
        "(SELECT coalesce(max(level), 0) FROM"
        " (SELECT sum(CASE WHEN bracket IN ('[', '{{') THEN 1 ELSE -1 END) OVER (ORDER BY place) AS level"
        " FROM string_to_table({}, NULL) WITH ORDINALITY AS each (bracket, place)) AS levels)"
    ).format(brackets)
