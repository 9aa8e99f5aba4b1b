"""The first rows of a report as a table that can be sorted. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

#: Longer cells are cut. Characters.
LONGEST_CELL: Final = 200
#: A number, to be aligned and sorted as one; not an identifier such as 007.
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,40})(?:\.[0-9]{1,40})?(?:e[-+][0-9]{1,3})?")
#: Control characters become visible: U+2400 and following are pictures of them. Line breaks and tabs stay.
_VISIBLE: Final = {**{code: 0x2400 + code for code in range(32) if code not in (9, 10, 13)}, 0x7F: 0x2421}

ASCENDING, DESCENDING = "ascending", "descending"


@dataclass(frozen=True)
class Column:
    """A column of the table. `number` counts from 1. `sorted` is `ascending`, `descending` or empty."""

    number: int
    heading: str
    is_number: bool
    sorted: str

    @property
    def next_direction(self) -> str:
        """In which direction a click on the heading sorts."""
        return DESCENDING if self.sorted == ASCENDING else ASCENDING


@dataclass(frozen=True)
class ResultTable:
    """Columns and rows of a file, sorted by the column `sort` (from 1; 0: in the order of the file)."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    sort: int = 0
    direction: str = ASCENDING

    @classmethod
    def asked(cls, headings: Sequence[str], rows: Sequence[Sequence[str]], query: Mapping[str, str]) -> ResultTable:
        """The table as the query of the address wants it: `sort` and `direction`. What makes no sense is ignored."""
        sort, direction = query.get("sort", ""), query.get("direction", ASCENDING)
        is_known = sort.isascii() and sort.isdigit() and len(sort) < 6 and 1 <= int(sort) <= len(headings)
        is_known = is_known and direction in (ASCENDING, DESCENDING)
        return cls(headings, rows, int(sort), direction) if is_known else cls(headings, rows)

    @cached_property
    def columns(self) -> list[Column]:
        """The columns, in the order of the file."""
        return [
            Column(number, shown(heading), self._is_number(number - 1), self.direction if number == self.sort else "")
            for number, heading in enumerate(self.headings, start=1)
        ]

    @property
    def body(self) -> list[list[tuple[str, bool]]]:
        """The cells of each row, each with whether its column has numbers."""
        return [
            [(shown(cell), column.is_number) for cell, column in zip(row, self.columns, strict=True)]
            for row in self._sorted()
        ]

    def _is_number(self, place: int) -> bool:
        cells = [row[place] for row in self.rows if row[place]]
        return bool(cells) and all(_NUMBER.fullmatch(cell) for cell in cells)

    def _sorted(self) -> Sequence[Sequence[str]]:
        """Empty cells come last in both directions."""
        if not self.sort:
            return self.rows
        place, is_number = self.sort - 1, self.columns[self.sort - 1].is_number
        filled = [row for row in self.rows if row[place]]
        filled.sort(
            key=lambda row: Decimal(row[place]) if is_number else row[place].casefold(),
            reverse=self.direction == DESCENDING,
        )
        return [*filled, *(row for row in self.rows if not row[place])]


def shown(cell: str) -> str:
    """A cell as the page shows it."""
    text = cell if len(cell) <= LONGEST_CELL else f"{cell[:LONGEST_CELL]}…"
    return text.translate(_VISIBLE)
