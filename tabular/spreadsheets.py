"""Puts an apostrophe before text that a spreadsheet would run as a formula.

A cell is checked twice. `defuse` checks its beginning, where a reader with the file's own separator sees a formula.
`LineDefuser` checks the written lines. To a reader with another separator, a cell may begin in the middle of a text: at
that separator, or at a line break within quotation marks, which such a reader does not recognize.
"""

from __future__ import annotations

import re
from typing import Final

#: Characters that begin a formula in Excel, the full-width ones in Japanese Excel. LibreOffice 7.4 takes only `=`.
#: https://owasp.org/www-community/attacks/CSV_Injection
SIGNS: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
#: A text cell that starts with one of these may be run as a formula: readers drop a leading line break or tab.
FORMULA_STARTS: Final = (*SIGNS[:4], "\t", "\r", "\n", *SIGNS[4:])
#: Characters that readers may strip before a sign: white space other than tab, CR and LF, and zero-width characters.
BLANKS: Final = " \v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x2010))) + (
    "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)  # fmt: skip
#: These encodings have the same code for U+2212 and U+FF0D, and Windows decodes it as U+FF0D.
_READ_AS_SIGNS: Final = dict.fromkeys(("cp932", "shift_jis", "euc_jp"), ("−",))


def _any_of(characters: tuple[str, ...]) -> bytes:
    return b"(?:%b)" % b"|".join(re.escape(character.encode()) for character in characters)


_SKIPPED: Final = _any_of((*BLANKS, '"')) + b"*+"
_ANY_SIGN: Final = _any_of((*SIGNS, "−"))
#: Rejects most texts by one byte, before all the alternatives are tried.
_FIRST_BYTES: Final = b"(?=[%b])" % re.escape(bytes({one.encode()[0] for one in (*BLANKS, '"', *SIGNS, "−")}))


def _sign_behind(separator: bytes) -> bytes:
    """A pattern for a sign after a separator and skipped characters, unless the reader's whole cell is a number.

    Such a reader splits only at this separator and at line breaks: `-1,5+1` after `;` is not a number. A number may end
    at a closing bracket, because one that was never opened makes a formula invalid.
    """
    number = rb"(?![-+]\d++(?:[.,]\d++)?(?:[\]})]|\"?(?:%b|[\r\n]|\Z)))" % separator
    return separator + _FIRST_BYTES + _SKIPPED + number + b"(?=%b)" % _ANY_SIGN


#: Separators that we write, or that a reader chooses by mistake. Some readers take CR for a line break.
_SEPARATORS: Final = {one: re.compile(_sign_behind(re.escape(one.encode()))) for one in ",;\t|\r"}
_SIGN_BEHIND_LINE_BREAK: Final = re.compile(_sign_behind(b"\n"))
#: About how many bytes a pattern searches in the time of one match at a given place.
_BYTES_PER_MATCH: Final = 400


def formula_starts(encoding: str = "utf-8") -> tuple[str, ...]:
    """Characters that no text cell may start with, even after blanks, if it is written in this Python codec."""
    return (*FORMULA_STARTS, *_READ_AS_SIGNS.get(encoding, ()))


def defuse(cell: str, encoding: str = "utf-8") -> str:
    """`cell`, with a leading apostrophe if a spreadsheet might read it as a formula."""
    return f"'{cell}" if cell.lstrip(BLANKS).startswith(formula_starts(encoding)) else cell


class LineDefuser:
    """Puts an apostrophe before signs that follow a foreign separator, or a line break within a cell.

    Numbers are left alone. It takes linear time, because the patterns never backtrack.
    """

    def __init__(self, *, delimiter: str) -> None:
        """`delimiter` is the one with which the lines, in UTF-8, were written."""
        self._behind = [(one.encode(), pattern) for one, pattern in _SEPARATORS.items() if one != delimiter]

    def defuse(self, lines: bytes) -> bytes:
        """Defuse whole lines of CSV, each with its line break at the end."""
        if b'"' in lines:
            lines = _defuse_breaks(lines)
        for separator, pattern in self._behind:
            lines = _defuse_behind(separator, pattern, lines)
        return lines


def _defuse_behind(separator: bytes, pattern: re.Pattern[bytes], lines: bytes) -> bytes:
    """The same as a substitution, but `find` skips text without separators ten times as fast as a pattern does."""
    signs, matches_left, at = [], len(lines) // _BYTES_PER_MATCH, lines.find(separator)
    while at >= 0:
        if not matches_left:
            return pattern.sub(rb"\g<0>'", lines)
        matches_left -= 1
        if found := pattern.match(lines, at):
            signs.append(found.end())
        at = lines.find(separator, at + 1)
    return _with_apostrophes(lines, signs)


def _defuse_breaks(lines: bytes) -> bytes:
    """Check all line breaks but those that end a line: the next line's beginning is checked by `defuse`.

    A line break is within a cell if the number of quotation marks before it is odd.
    """
    signs, marks, counted = [], 0, 0
    for found in _SIGN_BEHIND_LINE_BREAK.finditer(lines):
        marks, counted = marks + lines.count(b'"', counted, found.start()), found.start()
        if marks % 2:
            signs.append(found.end())
    return _with_apostrophes(lines, signs)


def _with_apostrophes(lines: bytes, positions: list[int]) -> bytes:
    if not positions:
        return lines
    ends = [*positions, len(lines)]
    return b"'".join(lines[begin:end] for begin, end in zip([0, *positions], ends, strict=True))
