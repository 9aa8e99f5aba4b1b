"""Names of files that people download: valid on Windows, on macOS, on Linux and as a key of S3."""

from __future__ import annotations

import unicodedata
from typing import Final

#: Of the whole name. Linux and macOS count bytes of UTF-8 instead, up to 255 of them.
LONGEST_NAME: Final = 120
LONGEST_NAME_BYTES: Final = 240

#: https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
_FORBIDDEN: Final = frozenset('<>:"/\\|?*')
_RESERVED: Final = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in "0123456789\u00b9\u00b2\u00b3"]
)


def safe_filename(stem: str, extension: str = "", *, otherwise: str = "file") -> str:
    """A file name out of any text; `otherwise` takes the place of a `stem` of which nothing is left.

    `extension` begins with its dot. The name has at most 120 characters and 240 bytes of UTF-8, and is in Unicode's
    form NFC. It has no control characters and no marks that change the direction of text.
    """
    text = unicodedata.normalize("NFC", stem[: 4 * LONGEST_NAME])
    text = "".join(" " if character.isspace() else _safe(character) for character in text)
    text = _stripped(" ".join(text.split()))
    text = _stripped(_cut(text, LONGEST_NAME - len(extension), LONGEST_NAME_BYTES - len(extension.encode())))
    if text.partition(".")[0].strip().casefold() in _RESERVED:
        text = f"_{text}"[: LONGEST_NAME - len(extension)]
    return (text or otherwise) + extension


def _safe(character: str) -> str:
    if character in _FORBIDDEN:
        return "-"
    return "" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") else character


def _stripped(text: str) -> str:
    """Windows drops dots and blanks at the end; at the beginning a dot hides the file, and a hyphen is an option."""
    return text.rstrip(" .-").lstrip(" .-~")


def _cut(text: str, characters: int, size: int) -> str:
    text = text[:characters]
    return text.encode()[:size].decode(errors="ignore")
