"""A reader of CSV that goes byte by byte, for comparison. It shares no code with `tabular`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StrictRecord:
    """A record, or a blank line, which has no cells. `cells` is None if the record is not valid.

    A cell is None if it is empty and not quoted.
    """

    number: int
    line: int
    end_line: int
    byte: int
    raw: bytes
    cells: tuple[str | None, ...] | None
    codes: tuple[str, ...]


class OpenQuoteError(Exception):
    """A quotation mark, at this byte, never closes."""


def read_strictly(data: bytes, *, width: int, delimiter: str = ",", until: int | None = None) -> list[StrictRecord]:
    """All records of `data`, or those that end before `until` bytes. Raises OpenQuoteError."""
    records: list[StrictRecord] = []
    at = 0
    while at < (len(data) if until is None else until):
        start, cells, codes = at, [], set()
        while True:
            cell, at, is_stray = _cell(data, at, ord(delimiter))
            cells.append(cell)
            if is_stray:
                codes.add("stray-quote")
            if data[at : at + 1] != delimiter.encode():
                break
            at += 1
        end = at
        at += 2 if data[at : at + 2] == b"\r\n" else 1 if at < len(data) else 0
        line = line_at(data, start)
        place = (len(records) + 1, line, line_at(data, end), start, data[start:at])
        if end == start:
            records.append(StrictRecord(*place, (), ()))
            continue
        if len(cells) < width:
            codes.add("missing-cells")
        if len(cells) > width:
            codes.add("extra-cells")
        if 0 in data[start:end]:
            codes.add("nul-byte")
        try:
            data[start:end].decode()
        except UnicodeDecodeError:
            codes.add("invalid-bytes")
        texts = None if codes else tuple(None if cell is None else cell.decode() for cell in cells)
        records.append(StrictRecord(*place, texts, tuple(sorted(codes))))
    return records


def line_at(data: bytes, offset: int) -> int:
    """The line, from 1, of the byte at this offset."""
    line = 1
    for at in range(offset):
        if data[at] == 10 or (data[at] == 13 and data[at + 1 : at + 2] != b"\n"):
            line += 1
    return line


def _cell(data: bytes, at: int, mark: int) -> tuple[bytes | None, int, bool]:
    """The value of the cell that begins here, where it ends, and whether a quotation mark stands astray."""
    start = at
    value = bytearray()
    if data[at : at + 1] == b'"':
        at += 1
        while True:
            if at >= len(data):
                raise OpenQuoteError(start)
            if data[at] != 34:
                value.append(data[at])
                at += 1
            elif data[at + 1 : at + 2] == b'"':
                value.append(34)
                at += 2
            else:
                break
        at += 1
        closed = at
        while at < len(data) and data[at] not in (mark, 10, 13):
            at += 1
        return bytes(value), at, at > closed
    while at < len(data) and data[at] not in (mark, 10, 13):
        at += 1
    return data[start:at] or None, at, 34 in data[start:at]
