"""Headings of a file: made alike, and found among the headings that a type knows."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tabular.refusals import RecognitionError
from tabular.sentences import Sentence, gettext_noop, joined, quoted
from tabular.spreadsheets import SIGNS

#: Columns that our own file of errors adds. They are ignored when it is uploaded again.
LINE_HEADING: Final = "_line"
ERRORS_HEADING: Final = "_errors"
#: Characters without width: soft hyphen, zero-width space and joiners, marks of direction, word joiner, BOM.
_INVISIBLE: Final = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
#: The longest heading that a sentence shows. Characters.
_LONGEST: Final = 100
#: Unknown headings that are compared with a missing one. A heading line may have half a million, which takes minutes.
_COMPARED: Final = 400


def normalize(heading: str) -> str:
    """The heading as it is compared: without regard to case, width, blanks around it, and how many stand within it."""
    text = unicodedata.normalize("NFKC", heading).translate(_INVISIBLE)
    text = " ".join(unicodedata.normalize("NFKC", text.casefold()).split())
    return text[1:] if text.startswith(tuple(f"'{sign}" for sign in SIGNS)) else text


def shown(text: str) -> str:
    """`text` for people and for JSON in the database: what neither can have becomes U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def shortened(heading: str) -> str:
    """A heading as messages and the status show it: a heading line may have a whole MiB, and both are stored."""
    return shown(heading if len(heading) <= _LONGEST else f"{heading[: _LONGEST - 1]}…")


class KnownHeadings:
    """The headings that a type knows: key → names, of which the first is shown.

    `matched` are headings that the sender of the file has matched by hand: heading in the file → name of a column, or
    None for one to ignore. What a type calls its columns counts only for the other headings.
    """

    def __init__(self, known: Mapping[str, Sequence[str]], matched: Mapping[str, str | None] | None = None) -> None:
        self.known = known
        self._keys: dict[str, list[str]] = {}
        for key, names in known.items():
            for name in dict.fromkeys(map(normalize, names)):
                self._keys.setdefault(name, []).append(key)
        by_hand = {
            normalize(one): self._keys.get(normalize(other), []) if other else []
            for one, other in (matched or {}).items()
        }
        self._keys = {name: keys for name, keys in (self._keys | by_hand).items() if keys}

    def keys(self, heading: str) -> Sequence[str]:
        """The keys whose column has this heading; most often one or none."""
        return self._keys.get(normalize(heading), ())

    def score(self, cells: Iterable[str]) -> int:
        """How many of the known headings are among these cells."""
        return len({name for name in map(normalize, cells) if name in self._keys})

    def name(self, key: str) -> str:
        """The heading to show for a key."""
        return self.known[key][0]


@dataclass(frozen=True)
class Matched:
    """Which column is what. All numbers are indexes of columns, from 0."""

    positions: Mapping[str, int]
    unknown: tuple[str, ...]
    blank: tuple[int, ...]


def match(cells: Sequence[str], known: KnownHeadings, required: Collection[str]) -> Matched:
    """Match the cells of the heading line.

    Raises RecognitionError `unknown-headings`, `duplicate-column` or `missing-column`.
    """
    if not known.score(cells):
        raise _unknown(cells, known)
    positions: dict[str, int] = {}
    first: dict[str, int] = {}
    unknown, blank = [], []
    for index, cell in enumerate(cells):
        name = normalize(cell)
        if not name:
            blank.append(index)
            continue
        if name in first:
            raise _duplicate(cells, first[name], index)
        first[name] = index
        keys = known.keys(cell)
        for key in keys:
            if key in positions:
                raise _duplicate(cells, positions[key], index, known.name(key))
            positions[key] = index
        if not keys and name not in (LINE_HEADING, ERRORS_HEADING):
            unknown.append(shown(cell))
    missing = [key for key in known.known if key in required and key not in positions]
    if missing:
        raise _missing(missing, cells, unknown, known)
    return Matched(positions, tuple(unknown), tuple(blank))


def _quoted(words: Sequence[str]) -> Sentence:
    return quoted([shortened(word) for word in words])


def _unknown(cells: Sequence[str], known: KnownHeadings) -> RecognitionError:
    names = _quoted(list(dict.fromkeys(known.name(key) for key in known.known)))
    found = [cell for cell in cells if normalize(cell)]
    if not found:
        text = gettext_noop(
            "None of the expected headings was found. The first line has no heading. Expected are %(names)s."
        )
        return RecognitionError("unknown-headings", Sentence(text, names=names))
    text = gettext_noop(
        "None of the expected headings was found. The first line has %(found)s. Expected are %(names)s."
    )
    return RecognitionError("unknown-headings", Sentence(text, found=_quoted(found), names=names))


def _duplicate(cells: Sequence[str], one: int, other: int, name: str = "") -> RecognitionError:
    if name and normalize(cells[one]) != normalize(cells[other]):
        text = gettext_noop(
            'Columns %(one)s ("%(first)s") and %(other)s ("%(second)s") both stand for "%(name)s". Remove or rename '
            "one of them."
        )
    elif cells[one] == cells[other]:
        text = gettext_noop(
            'Columns %(one)s and %(other)s both have the heading "%(first)s". Remove or rename one of them.'
        )
    else:
        text = gettext_noop(
            'Columns %(one)s ("%(first)s") and %(other)s ("%(second)s") have the same heading. Remove or rename one of '
            "them."
        )
    headings = {"first": shortened(cells[one]), "second": shortened(cells[other]), "name": name}
    return RecognitionError("duplicate-column", Sentence(text, one=one + 1, other=other + 1, **headings))


def _missing(
    missing: Sequence[str], cells: Sequence[str], unknown: Sequence[str], known: KnownHeadings
) -> RecognitionError:
    names = [known.name(key) for key in missing]
    found = [cell for cell in cells if normalize(cell)]
    text = (
        gettext_noop("The column %(names)s is missing. The file has %(found)s.")
        if len(names) == 1
        else gettext_noop("The columns %(names)s are missing. The file has %(found)s.")
    )
    sentences = [Sentence(text, names=_quoted(names), found=_quoted(found))]
    candidates = {normalize(heading): heading for heading in unknown[:_COMPARED]}
    for key, name in zip(missing, names, strict=True):
        for alias in known.known[key]:
            near = difflib.get_close_matches(normalize(alias), candidates, n=1)
            if near:
                asked = gettext_noop('Did you mean "%(name)s" by "%(heading)s"?')
                sentences.append(Sentence(asked, name=name, heading=shortened(candidates[near[0]])))
                break
    return RecognitionError("missing-column", joined(*sentences))
