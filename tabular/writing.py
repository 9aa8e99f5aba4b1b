"""Write records in the dialect of a file that was read before. `tabular.dialect` is for files of our own."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import Final

#: Byte order marks, and the codecs that write none. Decoders take UTF-16 and UTF-32 in the order that the mark says.
MARKS: Final = {"utf-8-sig": codecs.BOM_UTF8, "utf-16": codecs.BOM_UTF16_LE, "utf-32": codecs.BOM_UTF32_LE}
WITHOUT_MARK: Final = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


def joined(cells: Iterable[str | None], *, delimiter: str) -> str:
    """A record without its line end. None is an empty cell without quotation marks, "" one with them."""
    return delimiter.join("" if cell is None else _quoted(cell, delimiter) for cell in cells)


def _quoted(cell: str, delimiter: str) -> str:
    # a lone surrogate is a damaged byte, which could take the delimiter for the second byte of its character
    is_safe = cell and not "\udc80" <= cell[-1] <= "\udcff"
    if is_safe and not any(character in cell for character in (delimiter, '"', "\r", "\n")):
        return cell
    return '"' + cell.replace('"', '""') + '"'
