"""CSV files of articles. About 60 bytes a row; each tenth name is quoted and has a comma and quotation marks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

HEADINGS: Final = "sku,name,category,list_price"
#: One row in so many is bad, where bad rows are asked for.
BAD_EVERY: Final = 100
CATEGORIES: Final = ("Office", "Kitchen", "Garden", "Workshop", "Toys")
#: How a row is made bad. Two are no valid CSV, two have a bad value.
FAULTS: Final[tuple[Callable[[list[str]], list[str]], ...]] = (
    lambda cells: [*cells[:3], "a dozen"],
    lambda cells: cells[:3],
    lambda cells: [cells[0], "x" * 201, *cells[2:]],
    lambda cells: [cells[0], 'pipe of 5" width', *cells[2:]],
)


def write_articles(file: Path, rows: int, *, dearer: int = 0, bad: bool = False) -> Path:
    """So many articles, each `dearer` US dollars dearer than by default, one in a hundred of them `bad`."""
    with file.open("w", encoding="utf-8", newline="") as output:
        output.write(f"{HEADINGS}\n")
        for number in range(1, rows + 1):
            name = f'"Article {number}, ""large"""' if number % 10 == 0 else f"Article number {number}"
            price = f"{number % 10000 / 100 + dearer:.2f}"
            cells = [f"A{number:09}", name, CATEGORIES[number % len(CATEGORIES)], price]
            if bad and number % BAD_EVERY == 0:
                cells = FAULTS[number // BAD_EVERY % len(FAULTS)](cells)
            output.write(f"{','.join(cells)}\n")
    return file
