"""Which of a closed list of encodings a file is in, when nothing in it says so.

An encoding counts only if the whole file is valid in it. Among those that remain, the headings decide; then
charset-normalizer's measure of disorder does, if one text is in order and the next best is clearly less so. Otherwise
the answer is `encoding-ambiguous`, because a wrong guess would change texts without a word.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Final

from charset_normalizer.md import mess_ratio

from tabular.decoding import Encoding
from tabular.headings import shown
from tabular.refusals import RecognitionError
from tabular.sentences import Sentence, gettext_noop, listed, with_commas

#: What a file without any sign may be in: Japan's, then Western Europe's.
FALLBACKS: Final = ("cp932", "euc_jp", "cp1252", "latin-1")
#: A text is taken if it has at most so much disorder, and the next best has so much more. charset-normalizer itself
#: takes a text with more than 0.2 for none, but short texts have more, and Cyrillic read as Western text has 1.
_CLEAR: Final = ((0.25, 0.1), (0.5, 0.5))
#: Control characters of ISO 8859, which no table has, but other encodings have letters there.
_CONTROLS: Final = re.compile("[\x80-\x9f]")
#: Private characters, and signs between letters (`¿ó³ty`): what a wrong encoding makes of letters.
_MISREAD: Final = re.compile("[\ue000-\uf8ff]|[^\\W\\d_][\xa1-\xa9\xab-\xb3\xb6\xb8\xb9\xbb-\xbf×÷][^\\W\\d_]")
#: Their rules are so strict that no UTF-8 with many characters outside ASCII is valid in them.
MULTIBYTE: Final = ("cp932", "shift_jis", "euc_jp", "iso2022_jp", "gb18030", "big5", "euc_kr")
_KANA: Final = re.compile("[\u3041-\u30fa]")
_SAMPLE_BYTES: Final = 64 * 1024
_SAMPLE_LINES: Final = 64
_LINE_BYTES: Final = 4096
_SAMPLES: Final = 3


@dataclass
class _Candidate:
    name: str
    decoder: codecs.IncrementalDecoder
    text: int = 0
    failed: int | None = None
    score: int = 0
    own: bool = False
    disorder: float = 0.0

    def take(self, block: bytes, byte: int, *, final: bool = False) -> None:
        """Decode a block that begins at `byte`, unless an earlier one was refused."""
        if self.failed is not None:
            return
        before = byte - len(self.decoder.getstate()[0])
        try:
            text = self.decoder.decode(block, final)
        except UnicodeDecodeError as error:
            self.failed = before + error.start
            return
        control = _CONTROLS.search(text) if self.name in MULTIBYTE or _has_controls(block, self.name) else None
        if control:
            self.failed = before + len(text[: control.start()].encode(self.name))
        self.text = hash((self.text, text))


def rank(
    open_blocks: Callable[[], Iterable[bytes]],
    *,
    headings: Callable[[str], tuple[int, bool, str]],
    also_utf8: bool,
) -> Encoding:
    """The encoding, one of the fallbacks, of a file that is not UTF-8.

    `headings` answers, for an encoding, how many known headings the file has in it, whether one of them has characters
    outside ASCII, and the delimiter. `also_utf8` says that a part of the file is valid UTF-8.

    Raises RecognitionError `unknown-encoding` or `encoding-ambiguous`.
    """
    candidates = [_Candidate(name, codecs.getincrementaldecoder(name)()) for name in FALLBACKS]
    sample, byte = _Sample(), 0
    for block in open_blocks():
        for candidate in candidates:
            candidate.take(block, byte)
        sample.take(block)
        byte += len(block)
    for candidate in candidates:
        candidate.take(b"", byte, final=True)
    lines = sample.end()
    left = _apart(candidates)
    for candidate in left:
        candidate.score, candidate.own, _ = headings(candidate.name)
        candidate.disorder = _disorder(lines, candidate.name)
    tried = listed(FALLBACKS)
    if not left:
        raise _none(candidates, tried, headings)
    top = max(candidate.score for candidate in left)
    found = [candidate for candidate in left if candidate.score == top]
    best = min(found, key=lambda candidate: candidate.disorder)
    others = [candidate for candidate in found if candidate is not best]
    mixed = also_utf8 and best.name not in MULTIBYTE
    if not others and best.own and not mixed:
        text = gettext_noop("Of %(tried)s, only %(encoding)s fits the headings and the whole file.")
        return Encoding(best.name, "detected", Sentence(text, tried=tried, encoding=best.name))
    next_best = min((other.disorder for other in others), default=math.inf)
    clear = any(best.disorder <= most and best.disorder + apart <= next_best for most, apart in _CLEAR)
    if best.name == "euc_jp" and not _KANA.search(_text(lines, best.name)):
        clear = False  # Chinese and Korean in their EUC are valid in it, too, as rare kanji
    if not clear or mixed:
        raise _ambiguous(["utf-8"] * mixed + [one.name for one in found], lines, headings(best.name)[2])
    if len(left) == 1:
        text = gettext_noop("Of %(tried)s, only %(encoding)s fits the whole file.")
    else:
        text = gettext_noop("Of %(tried)s, %(encoding)s gives by far the most orderly text.")
    return Encoding(best.name, "detected", Sentence(text, tried=tried, encoding=best.name), likely=True)


def _apart(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    """Those in which the file is valid; of several that give the same text, the first."""
    by_text: dict[int, _Candidate] = {}
    for candidate in candidates:
        if candidate.failed is None:
            by_text.setdefault(candidate.text, candidate)
    return list(by_text.values())


@cache
def _controls(encoding: str) -> bytes:
    return bytes(byte for byte in range(128, 256) if "\x80" <= bytes([byte]).decode(encoding, "replace") <= "\x9f")


def _has_controls(block: bytes, encoding: str) -> bool:
    return len(block.translate(None, _controls(encoding))) < len(block)


def _disorder(lines: Sequence[bytes], encoding: str) -> float:
    text = _text(lines, encoding)
    return mess_ratio(text, 1.0) + (1.0 if _MISREAD.search(text) else 0.0)


def _text(lines: Sequence[bytes], encoding: str) -> str:
    return "\n".join(line.decode(encoding, "ignore") for line in lines)


class _Sample:
    """Lines with bytes outside ASCII: many of the first block, and some of each other."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._size = 0
        self._rest = b""

    def take(self, block: bytes) -> None:
        if self._size > _SAMPLE_BYTES:
            return
        whole, _, rest = (self._rest + block).rpartition(b"\n")
        self._rest = rest[-_SAMPLE_BYTES:]
        for line in islice((line for line in whole.splitlines() if not line.isascii()), _SAMPLE_LINES):
            self._lines.append(line[:_LINE_BYTES])
            self._size += len(self._lines[-1])

    def end(self) -> list[bytes]:
        self.take(b"\n")
        return self._lines


def _ambiguous(names: Sequence[str], lines: Sequence[bytes], delimiter: str) -> RecognitionError:
    if len(names) > 1:
        text = gettext_noop(
            "The file may be in one of several encodings: %(readings)s. Declare the encoding that reads right."
        )
    else:
        text = gettext_noop(
            "The file is in an encoding that is not certain: %(readings)s. Declare the encoding that reads right."
        )
    readings: str = ""
    for name in names:
        cells = with_commas(_cells(lines, name, delimiter) or [""])
        reading = Sentence(gettext_noop("%(encoding)s gives %(cells)s"), encoding=name, cells=cells)
        readings = (
            Sentence(gettext_noop("%(readings)s; %(next)s"), readings=readings, next=reading) if readings else reading
        )
    return RecognitionError("encoding-ambiguous", Sentence(text, readings=readings))


def _cells(lines: Sequence[bytes], encoding: str, delimiter: str) -> list[str]:
    """Up to three cells with characters outside ASCII."""
    texts = (line.decode(encoding, "replace") for line in lines)
    cells = (cell.strip(' "')[:40] for text in texts for cell in text.split(delimiter) if not cell.isascii())
    return [shown(cell) for cell in islice(dict.fromkeys(cells), _SAMPLES)]


def _none(
    candidates: Sequence[_Candidate], tried: Sentence, headings: Callable[[str], tuple[int, bool, str]]
) -> RecognitionError:
    near = next((one for one in candidates if headings(one.name)[1]), None)
    if near is None:
        text = gettext_noop(
            "The encoding is unknown: the file is not valid in UTF-8 nor, as a whole, in %(tried)s. Save it as UTF-8, "
            "or declare its encoding."
        )
        return RecognitionError("unknown-encoding", Sentence(text, tried=tried))
    text = gettext_noop(
        "The encoding is unknown: the file is not valid in UTF-8 nor, as a whole, in %(tried)s. The headings are "
        "%(near)s, but byte %(byte)s and perhaps others are not. Declare %(near)s to have the rows with such bytes "
        "named, or save the file as UTF-8."
    )
    return RecognitionError("unknown-encoding", Sentence(text, tried=tried, near=near.name, byte=near.failed or 0))
