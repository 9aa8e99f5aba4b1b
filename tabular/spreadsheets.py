"""Makes text harmless that a spreadsheet would run as a formula, by an apostrophe before its sign.

A cell is looked at twice. `defuse` looks at its beginning, as one does who reads the file with its own separator.
`LineDefuser` looks at lines as they are written: to a reader who splits at another separator, or who therefore sees no
quotation marks and splits at a line break, a cell begins in the middle of a text.
"""

from __future__ import annotations

import re
from typing import Final

#: Characters that begin a formula in Excel, the full-width forms in Japanese. LibreOffice 7.4 takes `=` only.
#: https://owasp.org/www-community/attacks/CSV_Injection
SIGNS: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
#: A text cell that starts with one of these may be run as a formula: readers drop a line break or a tab.
FORMULA_STARTS: Final = (*SIGNS[:4], "\t", "\r", "\n", *SIGNS[4:])
#: What readers may strip before they look for a sign: white space other than tab, CR and LF, and what has no width.
BLANKS: Final = " \v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x2010))) + (
    "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)  # fmt: skip
#: These encodings have one code for U+2212 and U+FF0D, which Windows reads as the latter.
_READ_AS_SIGNS: Final = dict.fromkeys(("cp932", "shift_jis", "euc_jp"), ("−",))


def _any_of(characters: tuple[str, ...]) -> bytes:
    return b"(?:%b)" % b"|".join(re.escape(character.encode()) for character in characters)


_SKIPPED: Final = _any_of((*BLANKS, '"')) + b"*+"
_ANY_SIGN: Final = _any_of((*SIGNS, "−"))


def _sign_behind(separator: bytes) -> bytes:
    """A sign behind a separator and what readers skip, unless it begins a number that is all of what they would find.

    They split at this separator and at line breaks, and at no other: `-1,5+1` behind `;` is no number. A bracket that
    nothing opened makes a formula invalid.
    """
    number = rb"(?![-+]\d++(?:[.,]\d++)?(?:[\]})]|\"?(?:%b|[\r\n]|\Z)))" % separator
    return separator + _SKIPPED + number + b"(?=%b)" % _ANY_SIGN


_SIGN_BEHIND_COMMA: Final = re.compile(_sign_behind(b","))
_SIGN_BEHIND_SEMICOLON: Final = re.compile(_sign_behind(b";"))
_SIGN_BEHIND_TAB: Final = re.compile(_sign_behind(b"\t"))
_SIGN_BEHIND_BAR: Final = re.compile(_sign_behind(rb"\|"))
_SIGN_BEHIND_RETURN: Final = re.compile(_sign_behind(b"\r"))
_SIGN_BEHIND_LINE_BREAK: Final = re.compile(_sign_behind(b"\n"))
#: What files are split at: by us, or by a reader who chose the wrong separator. CR is a line break to some.
_SEPARATORS: Final = {
    ",": _SIGN_BEHIND_COMMA,
    ";": _SIGN_BEHIND_SEMICOLON,
    "\t": _SIGN_BEHIND_TAB,
    "|": _SIGN_BEHIND_BAR,
    "\r": _SIGN_BEHIND_RETURN,
}


def formula_starts(encoding: str = "utf-8") -> tuple[str, ...]:
    """What a text cell must not start with, behind blanks, where it is written in this codec of Python's."""
    return (*FORMULA_STARTS, *_READ_AS_SIGNS.get(encoding, ()))


def defuse(cell: str, encoding: str = "utf-8") -> str:
    """`cell`, with a leading apostrophe if a spreadsheet might read it as a formula."""
    return f"'{cell}" if cell.lstrip(BLANKS).startswith(formula_starts(encoding)) else cell


class LineDefuser:
    """Puts an apostrophe before signs that stand behind a foreign separator, or a line break within a cell.

    Numbers are left alone. Searching takes time in proportion to the text: no part of a pattern gives back what it has.
    """

    def __init__(self, *, delimiter: str) -> None:
        """Of lines in UTF-8 that were written with this delimiter."""
        self._behind = [(one.encode(), pattern) for one, pattern in _SEPARATORS.items() if one != delimiter]

    def join(self, lines: list[bytes]) -> bytes:
        """The lines, each with its line break at the end, as one and defused.

        A search for single bytes comes first: most texts have none of them, and it costs next to nothing.
        """
        joined = b"".join(lines)
        if joined.count(b"\n") > len(lines):
            joined = b"".join(_defuse_breaks(line) if line.count(b"\n") > 1 else line for line in lines)
        for separator, pattern in self._behind:
            if separator in joined:
                joined = pattern.sub(rb"\g<0>'", joined)
        return joined


def _defuse_breaks(line: bytes) -> bytes:
    """What follows the line's own break is another line, and looked at by itself."""
    return _SIGN_BEHIND_LINE_BREAK.sub(rb"\g<0>'", line[:-1]) + line[-1:]
