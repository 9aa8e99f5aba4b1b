"""A benchmark of wrong work is worthless: what every contender wrote is looked at, off the clock."""

from __future__ import annotations

import csv
import filecmp
import hashlib
from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Final

from bench.contenders import Made
from bench.measuring import WrongWorkError
from tabular.spreadsheets import LineDefuser, defuse

#: Cells of `order-lines` that are written in another form by Python: when the line was ordered.
TIME: Final = 2
#: Cells of `order-lines` that are text, the ones that may need an apostrophe.
TEXTS: Final = (3, 4, 5, 6, 7, 8, 9, 14)


class Inspector:
    """Keeps the last file of each contender, and makes sure that all its runs wrote the same."""

    def __init__(self) -> None:
        self.last: dict[str, Made] = {}
        self._digests: dict[str, str] = {}

    def inspect(self, name: str, made: Made) -> None:
        """Hash what a run wrote, hold it against what it says, and make room. Raises WrongWorkError."""
        with made.file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if made.sha256 not in (None, digest):
            raise WrongWorkError(f"{name}: the SHA-256 is not that of the file")
        if self._digests.setdefault(name, digest) != digest:
            raise WrongWorkError(f"{name}: two runs wrote different files")
        if name in self.last:
            self.last[name].file.unlink()
        self.last[name] = made


def require_same_bytes(one: Path, other: Path) -> None:
    """Raises WrongWorkError unless the files are identical."""
    if not filecmp.cmp(one, other, shallow=False):
        raise WrongWorkError(f"{one.name} and {other.name} differ")


def require_same_text(one: Path, other: Path, *, encoding: str) -> None:
    """Raises WrongWorkError unless `other`, which has this encoding, says what `one` says in UTF-8."""
    with one.open(newline="", encoding="utf-8") as mine, other.open(newline="", encoding=encoding) as peers:
        for number, (line, peer) in enumerate(zip_longest(mine, peers), start=1):
            if line != peer:
                raise WrongWorkError(f"line {number}: {other.name} says something else in {encoding}")


def require_defused_lines(ours: Path, copied: Path) -> int:
    """Compare a spreadsheet-safe report with what its SQL alone makes; return the rows in which lines were defused.

    SQL defuses the beginning of each cell, the worker then defuses what a reader may take for one (`LineDefuser`).
    Here that is done row by row, and not chunk by chunk. Raises WrongWorkError for any other difference.
    """
    defuser = LineDefuser(delimiter=",")
    defused = 0
    for number, (row, peer) in enumerate(zip_longest(_raw_rows(ours), _raw_rows(copied))):
        if peer is None or row != defuser.defuse(peer):
            raise WrongWorkError(f"row {number}: the spreadsheet-safe report is not what its SQL makes, defused")
        defused += row != peer
    return defused


def require_same_rows(copied: Path, iterated: Path, defused: Path) -> tuple[int, int]:
    """Compare cell by cell what cannot be the same bytes; return rows, and cells with an apostrophe added.

    Python writes times and empty text in its own way, and the spreadsheet-safe file has apostrophes.
    Raises WrongWorkError for any other difference, and for a row too few.
    """
    made_safe = number = 0
    for number, (plain, peer, safe) in enumerate(zip_longest(_rows(copied), _rows(iterated), _rows(defused)), start=1):
        if plain is None or peer is None or safe is None:
            raise WrongWorkError(f"row {number}: not as many rows everywhere")
        theirs, peer[TIME] = peer[TIME], plain[TIME]
        if peer != plain or datetime.fromisoformat(theirs) != datetime.fromisoformat(plain[TIME]):
            raise WrongWorkError(f"row {number}: Django's iterator wrote something else than psql")
        for cell in TEXTS:
            defused_cell = defuse(plain[cell])
            made_safe += defused_cell != plain[cell]
            plain[cell] = defused_cell
        if safe != plain:
            raise WrongWorkError(f"row {number}: the spreadsheet-safe report differs in more than apostrophes")
    return number, made_safe


def _rows(file: Path) -> Iterator[list[str]]:
    """Without the heading. A line break within a cell is part of it."""
    with file.open(newline="", encoding="utf-8") as content:
        reader = csv.reader(content)
        next(reader)
        yield from reader


def _raw_rows(file: Path) -> Iterator[bytes]:
    """With the heading. A row ends at a line break with all quotation marks closed."""
    row = b""
    with file.open("rb") as content:
        for line in content:
            row += line
            if row.count(b'"') % 2 == 0:
                yield row
                row = b""
    if row:
        yield row
