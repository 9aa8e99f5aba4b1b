"""Where the headings of a file are, and its delimiter: those under which most of the known headings are found.

It is the type's headings that decide, not statistics: csv.Sniffer and its kind are wrong in one file of six.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tabular.dialect import DELIMITERS
from tabular.headings import KnownHeadings, shown
from tabular.refusals import RecognitionError
from tabular.sentences import Sentence, gettext_noop

#: Lines that may stand before the headings: a title, a date, a note.
PREAMBLE_LINES: Final = 10
#: The longest heading line, in bytes of UTF-8.
LONGEST_HEADING_BYTES: Final = 1024 * 1024
LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_QUOTED: Final = r'"[^"]*(?:""[^"]*)*"'
_QUOTED_CELL: Final = re.compile(_QUOTED)
_SEP_LINE: Final = re.compile(r'"?sep=([^\r\n"])"?[,;\t |]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)


@dataclass(frozen=True)
class HeadingLine:
    """The heading line: its cells, and the place behind it.

    `line` is its first line and `first_line` the line after it, from 1. `skipped` counts the lines before it, without
    that of `sep=`. `end` is the index behind it in the text.
    `line_end` is its line break, "" if the file ends there. `problem` is a code if it is not valid CSV.
    """

    cells: tuple[str, ...]
    delimiter: str
    line: int
    skipped: int
    first_line: int
    end: int
    line_end: str
    problem: str = ""


@dataclass(frozen=True)
class _Record:
    cells: tuple[str, ...]
    end: int
    line_end: str
    problem: str = ""


def check_delimiter(delimiter: str) -> None:
    """Raise RecognitionError `unknown-delimiter` unless it is one byte that no cell begins or ends with."""
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\r\n\x00\\.-+':
        text = gettext_noop('"%(delimiter)s" cannot be a delimiter. Use a comma, a semicolon, a tab or a vertical bar.')
        raise RecognitionError("unknown-delimiter", Sentence(text, delimiter=shown(delimiter)))


def find_heading_line(text: str, *, complete: bool, known: KnownHeadings, delimiter: str | None) -> HeadingLine:
    """Find the headings in the first lines of `text`, the beginning of the file, or all of it if `complete`.

    Raises RecognitionError `unknown-delimiter`, `empty-file`, `record-too-long`, `stray-quote`, `unterminated-quote`.
    If no heading is known, the first line that is not blank is answered, for `headings.match` to refuse.
    """
    start = 1 if text.startswith("\ufeff") else 0
    line = 1
    sep = _SEP_LINE.match(text, start)
    if sep:
        start, line = sep.end(), 2
        if delimiter is None:
            check_delimiter(sep[1])
    if not text[start:].strip():
        message = gettext_noop("The file has no heading line. Upload a file with headings and rows.")
        raise RecognitionError("empty-file", Sentence(message))
    if delimiter is not None:
        check_delimiter(delimiter)
        delimiters: Sequence[str] = (delimiter,)
    else:
        delimiters = tuple(dict.fromkeys((*(sep[1] if sep else ()), *DELIMITERS)))
    found = _best(text, start, line, delimiters, known)
    if found is None:
        message = gettext_noop("The first %(count)s lines are blank. Let the headings be the first line.")
        raise RecognitionError("empty-file", Sentence(message, count=PREAMBLE_LINES + 1))
    return _checked(found, text, complete=complete, declared=delimiter, sep=sep[1] if sep else None)


def _best(text: str, start: int, line: int, delimiters: Sequence[str], known: KnownHeadings) -> HeadingLine | None:
    """The line and delimiter with most known headings; without any, the first line, cut where it has most cells."""
    best: HeadingLine | None = None
    best_rank = (0, False, 0)
    for number, begin in _line_starts(text, start, line):
        if begin == len(text) or text[begin] in "\r\n":
            continue
        for delimiter in delimiters:
            record = _read(text, begin, delimiter)
            score = known.score(record.cells)
            if best and best.line != number and 2 * score < max(1, sum(bool(cell.strip()) for cell in record.cells)):
                continue  # lines are skipped only for a line that is clearly one of headings, not for a row of data
            rank = (score, not record.problem, 0 if score else len(record.cells))
            if best is None or rank > best_rank:
                best_rank = rank
                best = HeadingLine(
                    cells=record.cells,
                    delimiter=delimiter,
                    line=number,
                    skipped=number - line,
                    first_line=number + len(LINE_BREAK.findall(text, begin, record.end)),
                    end=record.end,
                    line_end=record.line_end,
                    problem=record.problem,
                )
    return best


def _checked(found: HeadingLine, text: str, *, complete: bool, declared: str | None, sep: str | None) -> HeadingLine:
    if not complete and (found.end == len(text) or found.problem == "unterminated-quote"):
        raise _too_long(found.line)
    if found.problem == "unterminated-quote":
        message = gettext_noop(
            "The headings begin in line %(line)s, and a quotation mark among them is never closed. Close it."
        )
        raise RecognitionError("unterminated-quote", Sentence(message, line=found.line))
    if found.problem:
        message = gettext_noop(
            "Line %(line)s, the heading line, has a quotation mark in the middle of a heading. Put the whole heading "
            "in quotation marks, and double the mark within it."
        )
        raise RecognitionError("stray-quote", Sentence(message, line=found.line))
    if sum(map(len, found.cells)) > LONGEST_HEADING_BYTES // 4 and (
        len("".join(found.cells).encode("utf-8", "surrogatepass")) > LONGEST_HEADING_BYTES
    ):
        raise _too_long(found.line)
    if declared or found.delimiter == sep or len(found.cells) > 1:
        return found
    rest = text[found.end : found.end + 65536]
    return replace(found, delimiter=next((one for one in DELIMITERS if one not in rest), DELIMITERS[0]))


def _too_long(line: int) -> RecognitionError:
    text = gettext_noop(
        "The heading line, line %(line)s, is longer than 1 MiB. A quotation mark in it may never be closed, or the "
        "file is not a CSV file."
    )
    return RecognitionError("record-too-long", Sentence(text, line=line))


def _line_starts(text: str, start: int, line: int) -> Iterator[tuple[int, int]]:
    """Number and index of the first lines from `start` on."""
    for _ in range(PREAMBLE_LINES + 1):
        yield line, start
        found = LINE_BREAK.search(text, start)
        if found is None or found.end() == len(text):
            return
        start, line = found.end(), line + 1


def _read(text: str, start: int, delimiter: str) -> _Record:
    """The record that begins at `start`, by RFC 4180; if it is not valid, its first line split at each delimiter."""
    break_ = re.escape(delimiter)
    cell = re.compile(rf'(?:({_QUOTED})|([^"{break_}\r\n]*))({break_}|\r\n|\r|\n|\Z)')
    cells, position = [], start
    while True:
        found = cell.match(text, position)
        if found is None:
            break
        quoted, plain, end = found.groups()
        cells.append(plain if quoted is None else quoted[1:-1].replace('""', '"'))
        position = found.end()
        if end != delimiter:
            return _Record(tuple(cells), position, end)
    opens = text.startswith('"', position)
    problem = "unterminated-quote" if opens and not _QUOTED_CELL.match(text, position) else "stray-quote"
    line = LINE_BREAK.search(text, start)
    until = line.start() if line else len(text)
    loose = tuple(one.strip('"') for one in text[start:until].split(delimiter))
    return _Record(loose, line.end() if line else len(text), line[0] if line else "", problem)
