"""The formats of `datetime.strptime` as regular expressions of PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from psycopg import sql

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FULL_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
#: Code → the texts it stands for, as strict as Python's (https://docs.python.org/3/library/datetime.html).
_CODES: Final = {
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    "m": "0?[1-9]|1[0-2]",
    "d": "0?[1-9]|[12][0-9]|3[01]",
    "b": "|".join(_MONTHS),
    "B": "|".join(_FULL_MONTHS),
    "H": "[01]?[0-9]|2[0-3]",
    "I": "0?[1-9]|1[0-2]",
    "M": "[0-5]?[0-9]",
    "S": "[0-5]?[0-9]",
    "f": "[0-9]{1,6}",
    "p": "[AaPp][Mm]",
    "z": "Z|[+-][0-9]{2}:?[0-9]{2}",
}
_SHORTHANDS: Final = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "D": "%m/%d/%y", "R": "%H:%M"}
_NO_WORD: Final = re.compile(r"([^\w\s])")
_TOKEN: Final = re.compile("%(.?)|([^%]+)", re.DOTALL)


class FormatError(ValueError):
    """A format of a column that cannot be read: the message says what is wrong."""


def _tokens(one: str) -> Iterator[tuple[str, str]]:
    """(code, "") or ("", literal text)."""
    for code, shorthand in _SHORTHANDS.items():
        one = re.sub(rf"(?<!%)((?:%%)*)%{code}", rf"\g<1>{shorthand}", one)
    for match in _TOKEN.finditer(one):
        code, text = match.group(1), match.group(2)
        if text is not None:
            yield "", text
        elif code == "%":
            yield "", "%"
        elif code in _CODES and code:
            yield code, ""
        else:
            raise FormatError(f"%{code} is not supported")


def codes_of(one: str) -> list[str]:
    """The codes of a format, in their order. Raises FormatError for a code that is unknown or occurs twice."""
    codes = [code for code, _ in _tokens(one) if code]
    if len(codes) != len(set(codes)):
        raise FormatError("a code occurs twice")
    return codes


def check_format(one: str, type_name: str) -> None:
    """Raise FormatError unless the format makes a whole "date", "time" or "timestamptz"."""
    codes = set(codes_of(one))
    if len(codes & set("mbB")) > 1 or len(codes & set("Yy")) > 1 or len(codes & set("HI")) > 1:
        raise FormatError("two codes say the same")
    if type_name != "time" and not (codes & set("Yy") and codes & set("mbB") and "d" in codes):
        raise FormatError("a date needs a year, a month and a day")
    if type_name == "time" and not codes & set("HI"):
        raise FormatError("a time needs an hour")
    if ("I" in codes) != ("p" in codes):
        raise FormatError("%I and %p belong together")
    foreign = {"date": set("HIMSfpz"), "time": set("YymbBdz")}.get(type_name, set())
    if codes & foreign:
        raise FormatError(f"it has codes that a {type_name} does not have")


def pattern_of(one: str) -> str:
    """A regular expression of PostgreSQL that whole texts in this format match. Each code is a group."""
    parts = [f"({_CODES[code]})" if code else _NO_WORD.sub(r"\\\1", text) for code, text in _tokens(one)]
    return f"{'(?i)' if set(codes_of(one)) & set('bBp') else ''}^{''.join(parts)}$"


def iso_text(text: sql.Composable, one: str, type_name: str) -> tuple[sql.Composable, bool]:
    """A text in this format, rewritten as ISO 8601 for a cast to `type_name`, and whether it has an offset.

    The result means nothing if the text does not match `pattern_of`, and may be no valid date (February 30).
    """
    codes = codes_of(one)
    part = {code: f"\\{number}" for number, code in enumerate(codes, 1)}
    year = part["Y"] if "Y" in part else f"<{part.get('y')}>"
    day = f"{year}-{part.get('m') or part.get('b') or part.get('B')}-{part.get('d')}"
    clock = f"{part.get('H') or part.get('I', '00')}:{part.get('M', '00')}:{part.get('S', '00')}"
    clock += f".{part['f']}" if "f" in part else ""
    clock += f" {part['p']}" if "p" in part else ""
    clock += part.get("z", "")
    template = {"date": day, "time": clock}.get(type_name, f"{day} {clock}")
    rewritten: sql.Composable = sql.SQL("regexp_replace({}, {}, {})").format(
        text, sql.Literal(pattern_of(one)), sql.Literal(template)
    )
    if "y" in part and type_name != "time":  # as POSIX has it: 69 to 99 are of the last century
        for low, century in (("[0-5][0-9]", "20"), ("6[0-8]", "20"), ("[0-9]{2}", "19")):
            rewritten = sql.SQL("regexp_replace({}, {}, {})").format(
                rewritten, sql.Literal(f"^<({low})>"), sql.Literal(rf"{century}\1")
            )
    return rewritten, "z" in part
