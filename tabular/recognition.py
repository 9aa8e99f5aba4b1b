"""What an uploaded file is: its content, its encoding, its delimiter, and which column is what."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tabular.content import check_content, check_not_empty
from tabular.decoding import (
    WIDE,
    Encoding,
    EncodingSource,
    declared,
    decode_head,
    decodes,
    marked,
    settle_shift_jis,
    utf8_length,
    utf8_stream,
    zero_bytes,
)
from tabular.heading_line import HeadingLine, find_heading_line
from tabular.headings import KnownHeadings, Matched, match, shortened, shown
from tabular.ranking import FALLBACKS, MULTIBYTE, rank
from tabular.refusals import RecognitionError
from tabular.sentences import Sentence, Translate, gettext_noop, joined, quoted, with_commas

__all__ = ["RecognitionError", "Recognized", "Warning", "recognize", "utf8_blocks"]

#: As much of the file as may hold the lines before the headings and the headings.
_HEAD_BYTES: Final = 2 * 1024 * 1024
#: Headings that stand behind so much are found, but are no evidence of the encoding.
_EVIDENCE_BYTES: Final = 64 * 1024
#: After so much text with more damage than UTF-8, the file is not UTF-8.
_PATIENCE: Final = 16 * 1024 * 1024
#: So few bytes may be valid UTF-8 by accident: `ﾊｲ` in cp932 is `ʲ` in UTF-8.
_FEW: Final = 1024
_ISO_2022: Final = (b"\x1b$B", b"\x1b$@")

Blocks = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Warning:  # noqa: A001  (the word of the API)
    """Something about the file that its sender should know, although it is no error."""

    code: str
    detail: Sentence


@dataclass(frozen=True)
class Recognized:
    """What the file is.

    `positions` maps keys of `known` to indexes of columns, `unknown` are headings that no key has, `blank` the indexes
    of columns without heading. `headings` has all columns of the file; what JSON cannot have in them is U+FFFD.
    `first_line` is the line of the first record, and `start_byte` its offset in the stream of UTF-8, which for a file
    in UTF-8 is its offset in the file. `line_end` is the line break of the heading line.
    """

    encoding: str
    encoding_source: EncodingSource
    encoding_reason: Sentence
    delimiter: str
    headings: tuple[str, ...]
    positions: Mapping[str, int]
    unknown: tuple[str, ...]
    blank: tuple[int, ...]
    first_line: int
    start_byte: int
    line_end: str
    warnings: tuple[Warning, ...]

    def to_json(self, translate: Translate = str) -> dict[str, Any]:
        """As the status of an upload shows it, in the language of `translate`. Long headings are cut."""
        return {
            "encoding": self.encoding,
            "encodingSource": self.encoding_source,
            "encodingReason": self.encoding_reason.said(translate),
            "delimiter": self.delimiter,
            "headings": list(map(shortened, self.headings)),
            "unknownColumns": list(map(shortened, self.unknown)),
            "warnings": [{"code": one.code, "detail": one.detail.said(translate)} for one in self.warnings],
        }


@dataclass(frozen=True)
class Format:
    """How a file is written: its encoding and its heading line. `text` is its beginning, decoded."""

    encoding: Encoding
    line: HeadingLine
    text: str


def recognize(
    open_blocks: Blocks,
    *,
    known: Mapping[str, Sequence[str]],
    required: Collection[str],
    matched: Mapping[str, str | None] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Recognized:
    """Recognize the file whose bytes each call of `open_blocks` gives anew.

    `known` maps keys to the headings that their column may have, `required` are the keys that must be there. `matched`
    are headings of the file that the order matches to columns, `encoding` and `delimiter` what it declares.

    Raises RecognitionError; docs/uploads.md lists its codes.
    """
    names = KnownHeadings(known, matched)
    form = find_format(open_blocks, names, encoding=encoding, delimiter=delimiter)
    columns = match(form.line.cells, names, required)
    return Recognized(
        encoding=form.encoding.name,
        encoding_source=form.encoding.source,
        encoding_reason=form.encoding.reason,
        delimiter=form.line.delimiter,
        headings=tuple(map(shown, form.line.cells)),
        positions=columns.positions,
        unknown=columns.unknown,
        blank=columns.blank,
        first_line=form.line.first_line,
        start_byte=utf8_length(form.text[: form.line.end], form.encoding.name),
        line_end=form.line.line_end,
        warnings=tuple(_warnings(form.encoding, form.line, columns)),
    )


def find_format(
    open_blocks: Blocks, names: KnownHeadings, *, encoding: str | None = None, delimiter: str | None = None
) -> Format:
    """How a file is written, whether or not its headings are those of the type.

    Raises RecognitionError, except with the codes of `tabular.headings.match`.
    """
    head, complete = _head(open_blocks)
    check_not_empty([head] if complete or head.strip() else open_blocks())
    check_content(head)

    @cache
    def heading_line(codec: str, size: int) -> tuple[HeadingLine, str]:
        whole = complete and size >= len(head)
        text = decode_head(head[:size], codec, complete=whole)
        return find_heading_line(text, complete=whole, known=names, delimiter=delimiter), text

    def evidence(codec: str) -> tuple[int, bool, str]:
        try:
            found, _ = heading_line(codec, _EVIDENCE_BYTES)
        except RecognitionError:
            return 0, False, ","
        own = any(not cell.isascii() and names.keys(cell) for cell in found.cells)
        return names.score(found.cells), own, found.delimiter

    chosen = _encoding(open_blocks, head, encoding=encoding, evidence=evidence)
    line, text = heading_line(chosen.name, _EVIDENCE_BYTES if evidence(chosen.name)[0] else _HEAD_BYTES)
    return Format(chosen, line, text)


def utf8_blocks(blocks: Iterable[bytes], recognized: Recognized) -> Iterator[bytes]:
    """The file as UTF-8 behind its heading line. The blocks of a file in UTF-8 are handed on as they are.

    Bytes that are not valid in the encoding stay not valid in UTF-8; see `tabular.decoding`.
    """
    return utf8_stream(blocks, recognized.encoding, skip=recognized.start_byte)


def _head(open_blocks: Blocks) -> tuple[bytes, bool]:
    """The beginning of the file, and whether it is the whole file."""
    parts, size = [], 0
    for block in open_blocks():
        parts.append(block)
        size += len(block)
        if size > _HEAD_BYTES:
            return b"".join(parts)[:_HEAD_BYTES], False
    return b"".join(parts), True


def _encoding(
    open_blocks: Blocks,
    head: bytes,
    *,
    encoding: str | None,
    evidence: Callable[[str], tuple[int, bool, str]],
) -> Encoding:
    if encoding is not None:
        return settle_shift_jis(declared(encoding, head), open_blocks())
    mark = marked(head)
    if mark is not None:
        text = gettext_noop("The file begins with the byte order mark of %(plain)s.")
        return Encoding(mark[0], "bom", Sentence(text, plain=mark[1]))
    if b"\0" in head[:1024]:
        wide = max((zero_bytes(head) or WIDE[0], *WIDE), key=lambda name: evidence(name)[0])
        if evidence(wide)[0] > evidence("utf-8")[0]:
            text = gettext_noop("The file has zero bytes as %(encoding)s has them, and the headings match.")
            return Encoding(wide, "detected", Sentence(text, encoding=wide))
    strict = [name for name in FALLBACKS if name in MULTIBYTE]
    survey = _survey(open_blocks())
    few = survey.bad or 0 < survey.good < _FEW
    elsewhere = few and any(evidence(name)[0] > evidence("utf-8")[0] for name in FALLBACKS)
    if not survey.bad and not elsewhere:
        if survey.escapes and evidence("iso2022_jp")[0] >= evidence("utf-8")[0]:
            text = gettext_noop(
                "The file has the escape sequences of iso2022_jp. Declare iso2022_jp, or utf-8 if they are meant."
            )
            raise RecognitionError("encoding-ambiguous", Sentence(text))
        if survey.good:
            text = gettext_noop("The whole file is valid UTF-8.")
        else:
            text = gettext_noop("The whole file is plain ASCII, which is valid UTF-8.")
        return Encoding("utf-8", "utf-8", Sentence(text))
    if survey.good > survey.bad and not elsewhere and not any(decodes(open_blocks(), name) for name in strict):
        text = gettext_noop("The file is UTF-8 but for %(bytes)s bytes, which are not valid in it.")
        return Encoding("utf-8", "utf-8", Sentence(text, bytes=survey.bad), damaged=True)
    return rank(open_blocks, headings=evidence, also_utf8=survey.good * 4 > survey.bad)


@dataclass
class _Survey:
    """`bad` bytes are not valid UTF-8. `good` bytes continue characters that are. `escapes`: it may be ISO-2022-JP."""

    good: int = 0
    bad: int = 0
    escapes: bool = False


def _survey(blocks: Iterable[bytes]) -> _Survey:
    """How much of the file is UTF-8. Until the first error this costs no more than decoding."""
    survey, damaged = _Survey(), 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    for block in _and_end(blocks):
        before = decoder.getstate()
        if block.isascii() and block and not before[0]:
            survey.escapes = survey.escapes or (b"\x1b" in block and any(each in block for each in _ISO_2022))
            continue
        try:
            text = decoder.decode(block, not block)
        except UnicodeDecodeError:
            decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
            decoder.setstate(before)
            text = decoder.decode(block, not block)
        taken = len(before[0]) + len(block) - len(decoder.getstate()[0])
        bad = 0
        if decoder.errors != "strict":
            bad = taken - len(text.encode("utf-8", "ignore"))
            damaged += taken
        survey.bad += bad
        survey.good += taken - len(text)
        if damaged > _PATIENCE and survey.bad >= survey.good:
            break
    return survey


def _and_end(blocks: Iterable[bytes]) -> Iterator[bytes]:
    yield from blocks
    yield b""


def _warnings(chosen: Encoding, line: HeadingLine, matched: Matched) -> Iterator[Warning]:
    if chosen.damaged:
        damaged = Sentence(gettext_noop("The rows that have them are rejected."))
        yield Warning("mixed-encodings", joined(chosen.reason, damaged))
    if chosen.likely:
        likely = Sentence(gettext_noop("Check that the characters are right."))
        yield Warning("encoding-detected", joined(chosen.reason, likely))
    if line.skipped:
        text = (
            gettext_noop("The headings are in line %(line)s. One line was skipped before them.")
            if line.skipped == 1
            else gettext_noop("The headings are in line %(line)s. %(count)s lines were skipped before them.")
        )
        yield Warning("preamble-skipped", Sentence(text, line=line.line, count=line.skipped))
    if matched.unknown:
        text = (
            gettext_noop("The column %(headings)s is not known and is ignored.")
            if len(matched.unknown) == 1
            else gettext_noop("The columns %(headings)s are not known and are ignored.")
        )
        yield Warning("unknown-column", Sentence(text, headings=quoted(list(map(shortened, matched.unknown)))))
    if matched.blank:
        text = (
            gettext_noop("Column %(numbers)s has no heading. A row with a value there is rejected.")
            if len(matched.blank) == 1
            else gettext_noop("Columns %(numbers)s have no heading. A row with a value there is rejected.")
        )
        numbers = with_commas([str(index + 1) for index in matched.blank])
        yield Warning("column-without-heading", Sentence(text, numbers=numbers))
