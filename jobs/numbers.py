"""Numbers as the user prefers to read them."""

from __future__ import annotations

from contextvars import ContextVar
from decimal import Decimal
from typing import Final, NamedTuple

from django.utils import numberformat
from django.utils.translation import gettext

from jobs.models import NumberFormat

#: The format of the page or mail that is being made; `jobs.localization` sets it.
current_format: ContextVar[str] = ContextVar("number_format", default=NumberFormat.COMMA_POINT)


class Separators(NamedTuple):
    """What stands between groups of three digits, and before the decimals."""

    group: str
    decimal: str


#: The narrow space keeps a number on one line.
_SEPARATORS: Final = {
    NumberFormat.COMMA_POINT: Separators(",", "."),
    NumberFormat.POINT_COMMA: Separators(".", ","),
    NumberFormat.SPACE_COMMA: Separators("\N{NARROW NO-BREAK SPACE}", ","),
}
_UNITS: Final = ("kB", "MB", "GB", "TB")


def separators() -> Separators:
    """Those of `current_format`, for scripts that format numbers themselves."""
    return _SEPARATORS[NumberFormat(current_format.get())]


def format_number(value: int | float | Decimal, *, decimals: int = 0) -> str:
    """`1,234.5`, with the separators of `current_format`."""
    group, point = separators()
    rounded = round(Decimal(value), decimals)
    return numberformat.format(rounded, point, decimals, grouping=3, thousand_sep=group, force_grouping=True)


def format_size(size_bytes: int) -> str:
    """`812 bytes`, `1.2 MB`. A kB has 1000 bytes, as in the SI."""
    if size_bytes < 1000:
        return gettext("%(number)s bytes") % {"number": format_number(size_bytes)}
    size = float(size_bytes)
    for unit in _UNITS:
        size /= 1000
        if size < 999.95 or unit == _UNITS[-1]:
            break
    return f"{format_number(size, decimals=1)}\N{NO-BREAK SPACE}{unit}"
