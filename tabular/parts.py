"""The parts of a CSV file: runs of valid records, invalid records and blank lines.

A *record* is numbered from 1, and blank lines count, too. A *line* is one that an editor shows, from 1. A *byte* is an
offset from 0, in the UTF-8 stream of the file.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """Whole valid records, each with `width` cells. The numbers are those of the first one.

    `data` is valid UTF-8, and each of its records ends with the line end of the whole scan. `raw` is what the input
    has instead: other line ends, or none at its end.
    """

    data: bytes
    records: int
    record: int
    line: int
    byte: int
    original: bytes | None = None

    @property
    def raw(self) -> bytes:
        """The bytes of the input."""
        return self.data if self.original is None else self.original


@dataclass(frozen=True, slots=True)
class Invalid:
    """A record that cannot be read. `raw` includes its line end.

    `code` is one of end-of-data-marker, stray-quote, missing-cells, extra-cells, nul-byte, invalid-bytes. Those that
    apply besides, in this order, are in `also`.
    """

    record: int
    line: int
    end_line: int
    byte: int
    raw: bytes
    code: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Blank:
    """A line without any character. `raw` is its line end."""

    record: int
    line: int
    byte: int
    raw: bytes = b"\n"


Part = Run | Invalid | Blank


class ScanError(ValueError):
    """The file cannot be split into records: `code` is unterminated-quote or record-too-long.

    `line` and `byte` are those of the quotation mark that never closes, or of the beginning of the record.
    """

    def __init__(self, code: str, *, line: int, byte: int) -> None:
        super().__init__(f"{code} at line {line}, byte {byte}")
        self.code = code
        self.line = line
        self.byte = byte


def count_line_ends(text: bytes) -> int:
    """The number of line ends as an editor counts them: LF, CRLF and a lone CR are one each."""
    cr = text.count(b"\r")
    return text.count(b"\n") + cr - (text.count(b"\r\n") if cr else 0)
