"""Texts, words of a closed list, truth values, UUIDs and IP addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from psycopg import sql

from uploads.ingest.cells import (
    all_of,
    cast,
    cleaned,
    damaged_number,
    error_value,
    is_filled,
    is_valid,
    matches,
    unguarded,
    unwrapped,
)
from uploads.ingest.pieces import Reading

TRUE_WORDS: Final = ("true", "t", "yes", "y", "on", "1")
FALSE_WORDS: Final = ("false", "f", "no", "n", "off", "0")

_UUID: Final = "^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})$"
_IPV4: Final = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$"
_IPV6: Final = "^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$"


def read_text(cell: sql.Composable, *, guarded_in: str | None, wrapped: bool) -> Reading:
    """The text, exactly as it is in the file.

    `guarded_in` undoes what `tabular.spreadsheets` did to texts in lines with this delimiter; `wrapped` reads
    `="00123"` as `00123`.
    """
    text = cell if guarded_in is None else unguarded(cell, guarded_in)
    if wrapped:
        text = sql.SQL("CASE WHEN {} LIKE '=%' THEN {} ELSE {} END").format(cell, unwrapped(cell), text)
    return Reading(text, sql.SQL("({} IS NOT NULL)").format(cell), otherwise="")


def read_words(cell: sql.Composable, words: Mapping[str, sql.Composable], *, is_text: bool) -> Reading:
    """One of `words`, each with its value as a literal, or `sql.NULL`. Outer blanks do not matter, but case does."""

    def value_of(text: sql.Composable, otherwise: sql.Composable) -> sql.Composable:
        cases = [sql.SQL("WHEN {} THEN {}").format(sql.Literal(word), value) for word, value in words.items()]
        return sql.SQL("CASE {} {} ELSE {} END").format(text, sql.SQL(" ").join(cases), otherwise)

    if not words:
        return Reading(sql.NULL, is_filled(cell), otherwise="not-a-choice")
    present = is_filled(cell)
    if is_text and "" in words:
        present = sql.SQL("({} IS NOT NULL)").format(cell)
    clean = cleaned(cell)
    typed = value_of(cell, sql.SQL("CASE WHEN {} <> {} THEN {} END").format(clean, cell, value_of(clean, sql.NULL)))
    faults: dict[str, sql.Composable] = {"spreadsheet-damage": error_value(clean)}
    for_null = [word for word, value in words.items() if value == sql.NULL]
    if for_null:
        faults = {"": sql.SQL("{} IN ({})").format(clean, sql.SQL(", ").join(map(sql.Literal, for_null))), **faults}
    return Reading(typed, present, faults, "not-a-choice")


def read_boolean(cell: sql.Composable) -> Reading:
    """A word for yes or no, in any case."""

    def value_of(text: sql.Composable, otherwise: sql.Composable) -> sql.Composable:
        return sql.SQL("CASE WHEN {0} IN ({1}) THEN true WHEN {0} IN ({2}) THEN false ELSE {3} END").format(
            text,
            sql.SQL(", ").join(map(sql.Literal, TRUE_WORDS)),
            sql.SQL(", ").join(map(sql.Literal, FALSE_WORDS)),
            otherwise,
        )

    clean = sql.SQL("lower({})").format(cleaned(cell))
    return Reading(
        value_of(cell, value_of(clean, sql.NULL)), is_filled(cell), {"spreadsheet-damage": error_value(cleaned(cell))}
    )


def read_uuid(cell: sql.Composable) -> Reading:
    """32 hexadecimal digits, with hyphens in the usual places or without any."""
    clean = cleaned(cell)
    typed = sql.SQL("CASE WHEN {} AND {}::uuid::text = {} THEN {} WHEN {} THEN {} END").format(
        is_valid(cell, "uuid"), cell, cell, cast(cell, "uuid"), matches(clean, _UUID), cast(clean, "uuid")
    )
    return Reading(typed, is_filled(cell), {"spreadsheet-damage": damaged_number(clean)})


def read_address(cell: sql.Composable, protocol: str) -> Reading:
    """An IP address without a network mask. `protocol`: "both", "ipv4" or "ipv6", as of GenericIPAddressField."""
    clean = cleaned(cell)
    patterns = {"ipv4": (_IPV4,), "ipv6": (_IPV6,)}.get(protocol.lower(), (_IPV4, _IPV6))
    shape = sql.SQL("({})").format(sql.SQL(" OR ").join(matches(clean, pattern) for pattern in patterns))
    typed = sql.SQL("CASE WHEN {} THEN {} END").format(all_of(shape, is_valid(clean, "inet")), cast(clean, "inet"))
    return Reading(typed, is_filled(cell), {"spreadsheet-damage": error_value(clean)})
