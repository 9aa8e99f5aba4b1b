"""Expressions over the text of one cell: blanks, wrapped texts, and what a spreadsheet has damaged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from psycopg import sql

from tabular.spreadsheets import BLANKS as SPREADSHEET_BLANKS
from tabular.spreadsheets import FORMULA_STARTS, SIGNS

#: Cut off around a cell that is not text: white space of ASCII and of Unicode, and zero-width characters.
BLANKS: Final = "\t\n\r" + SPREADSHEET_BLANKS

#: What Excel (in English and German) and LibreOffice write in the place of a value.
#: https://help.libreoffice.org/latest/en-US/text/scalc/05/02140000.html
_ERROR_VALUES: Final = (
    r"^(#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|FIELD!|BLOCKED!|UNKNOWN!|CONNECT!|BUSY!"
    r"|GETTING_DATA|NV|WERT!|BEZUG!|ZAHL!|##*)|Err:[0-9]{3})$"
)
#: A long number as Excel shows it: the digits behind are lost.
_ROUNDED: Final = r"^[+-]?[0-9]([.,][0-9]+)?E\+[0-9]{2,3}$"
_MONTHS: Final = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
#: A code such as 3-1 or MAR1 that Excel took for a date, in English and in Japanese.
_DATED: Final = rf"^([0-9]{{1,2}}-{_MONTHS}|{_MONTHS}-[0-9]{{2}}|[0-9]{{1,2}}月[0-9]{{1,2}}日)$"
#: Excel's serial number of a day from 1954 to 2119, with or without a time.
_SERIAL_DAY: Final = r"^[2-7][0-9]{4}(\.[0-9]+)?$"


def matches(text: sql.Composable, pattern: str) -> sql.Composable:
    """`text ~ 'pattern'`."""
    return sql.SQL("({} ~ {})").format(text, sql.Literal(pattern))


def any_of(*conditions: sql.Composable) -> sql.Composable:
    """The conditions, joined by OR."""
    return sql.SQL("({})").format(sql.SQL(" OR ").join(conditions))


def all_of(*conditions: sql.Composable) -> sql.Composable:
    """The conditions, joined by AND. PostgreSQL tests them from left to right and stops at the first that is false."""
    return sql.SQL("({})").format(sql.SQL(" AND ").join(conditions))


def is_valid(text: sql.Composable, type_name: str) -> sql.Composable:
    """Whether PostgreSQL can cast `text`; https://www.postgresql.org/docs/current/functions-info.html."""
    return sql.SQL("pg_input_is_valid({}, {})").format(text, sql.Literal(type_name))


def cast(text: sql.Composable, type_name: str) -> sql.Composable:
    """`text::type_name`."""
    return sql.SQL("{}::{}").format(text, sql.SQL(type_name))


def unwrapped(cell: sql.Composable) -> sql.Composable:
    """`="00123"`, by which spreadsheets are told to keep zeros, as `00123`; any other text as it is."""
    return sql.SQL(
        "CASE WHEN {0} LIKE '=\"%\"' AND length({0}) > 2 THEN substr({0}, 3, length({0}) - 3) ELSE {0} END"
    ).format(cell)


def cleaned(cell: sql.Composable) -> sql.Composable:
    """The cell of a column that is not text, without outer blanks, unwrapped."""
    blanks = sql.Literal(BLANKS)
    trimmed = sql.SQL("btrim({}, {})").format(cell, blanks)
    return sql.SQL(r"btrim(regexp_replace({}, '^=\"(.*)\"$', '\1'), {})").format(trimmed, blanks)


def is_filled(cell: sql.Composable) -> sql.Composable:
    """Whether a cell of a column that is not text holds more than blanks. NULL for NULL."""
    return sql.SQL("({} <> '')").format(cleaned(cell))


def error_value(cell: sql.Composable) -> sql.Composable:
    """Whether a spreadsheet wrote an error in the place of the value, such as `#N/A` or `#####`."""
    likely = sql.SQL("({0} LIKE '#%' OR {0} LIKE 'Err:%')").format(cell)
    return all_of(likely, matches(cell, _ERROR_VALUES))


def damaged_code(cell: sql.Composable) -> sql.Composable:
    """Whether a spreadsheet took a text, such as an article number, for a number or a date, and changed it.

    The cheap comparisons come first, because this is asked about every cell of a text key.
    """
    rounded = all_of(sql.SQL("{} LIKE '%E+%'").format(cell), matches(cell, _ROUNDED))
    short = sql.SQL("(octet_length({0}) <= 6 OR {0} LIKE '%月%日')").format(cell)
    return any_of(error_value(cell), rounded, all_of(short, matches(cell, _DATED)))


def damaged_number(cell: sql.Composable) -> sql.Composable:
    """`damaged_code`, of a cell that is no number."""
    return any_of(error_value(cell), matches(cell, _ROUNDED), matches(cell, _DATED))


def damaged_moment(cell: sql.Composable) -> sql.Composable:
    """Whether a spreadsheet wrote an error, or the number of a day, in the place of a date."""
    return any_of(error_value(cell), matches(cell, _SERIAL_DAY))


def _one_of(characters: Iterable[str]) -> str:
    return "[{}]".format("".join(f"\\u{ord(one):04x}" for one in characters))


_BLANKS: Final = f"{_one_of(SPREADSHEET_BLANKS)}*"
_BLANKS_AND_QUOTES: Final = "{}*".format(_one_of(SPREADSHEET_BLANKS + '"'))
_MINUS: Final = "\u2212"  # guarded in Japanese encodings
_ANY_SIGN: Final = _one_of((*SIGNS, _MINUS))
_GUARDED: Final = f"^'{_BLANKS}{_one_of((*FORMULA_STARTS, _MINUS))}"
#: Separators behind which `LineDefuser` looks for signs, unless they are the file's own, and line breaks.
_SEPARATORS: Final = ",;\t|"


def is_guarded(cell: sql.Composable) -> sql.Composable:
    """Whether `tabular.spreadsheets.defuse` may have put an apostrophe before the text."""
    return all_of(
        sql.SQL("{} LIKE '''%'").format(cell), matches(cell, f"^'{_BLANKS}{_one_of((*FORMULA_STARTS, _MINUS))}")
    )


def starts_formula(cell: sql.Composable) -> sql.Composable:
    """Whether `tabular.spreadsheets.defuse` would have put an apostrophe before the text, but nobody has."""
    return matches(cell, f"^{_BLANKS}{_one_of(FORMULA_STARTS)}")


def unguarded(cell: sql.Composable, delimiter: str) -> sql.Composable:
    """The text without the apostrophes that `defuse` and `LineDefuser` of `tabular.spreadsheets` have put into it."""
    separators = _one_of((*_SEPARATORS.replace(delimiter, ""), "\r", "\n"))
    inner = f"({separators}{_BLANKS_AND_QUOTES})'(?={_ANY_SIGN})"
    text = sql.SQL("CASE WHEN {0} THEN substr({1}, 2) ELSE {1} END").format(is_guarded(cell), cell)
    return sql.SQL("CASE WHEN {0} LIKE '%''%' THEN regexp_replace({1}, {2}, {3}, 'g') ELSE {0} END").format(
        cell, text, sql.Literal(inner), sql.Literal(r"\1")
    )
