"""Names of downloaded files: valid on Windows, macOS and Linux, and as S3 keys."""

from __future__ import annotations

import unicodedata
from typing import Final

#: Limits of the whole name. Linux and macOS count bytes of UTF-8, up to 255.
LONGEST_NAME: Final = 120
LONGEST_NAME_BYTES: Final = 240

#: https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
_FORBIDDEN: Final = frozenset('<>:"/\\|?*')
_RESERVED: Final = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in "0123456789\u00b9\u00b2\u00b3"]
)


def safe_filename(stem: str, extension: str = "", *, otherwise: str = "file") -> str:
    """A file name from any text. `extension` begins with its dot; `otherwise` replaces a `stem` that ends up empty.

    The name has at most 120 characters and 240 bytes of UTF-8, is in Unicode form NFC, and has neither control
    characters nor marks that change the direction of text.
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
    """Windows drops final dots and spaces; an initial dot hides a file, and an initial hyphen looks like an option."""
    return text.rstrip(" .-").lstrip(" .-~")


def _cut(text: str, characters: int, size: int) -> str:
    text = text[:characters]
    return text.encode()[:size].decode(errors="ignore")
