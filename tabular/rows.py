"""Rows on their way to a file: one buffer for many of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rows:
    """Whole rows as the server wrote them, one after another, and how many there are."""

    data: bytes
    count: int


def csv_lines(data: bytes) -> Iterator[bytes]:
    """The rows in `data`, whole rows of CSV, each with its line break at the end.

    A line break within quotation marks is part of its row. A quotation mark in a cell is written twice, so the marks of
    a whole row are even in number.
    """
    row = b""
    for line in data.split(b"\n")[:-1]:
        row += line + b"\n"
        if row.count(b'"') % 2 == 0:
            yield row
            row = b""
