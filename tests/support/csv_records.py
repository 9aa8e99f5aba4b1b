"""Records of a CSV file by Python's csv module, with their bytes."""

import csv
import io
from collections.abc import Iterable, Iterator


def records_of(data: bytes) -> Iterator[tuple[bytes, list[str]]]:
    """The bytes and the cells of each record."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(data.decode(), newline=""):
            taken.append(line)
            yield line

    for cells in csv.reader(lines(), strict=True):
        yield "".join(taken).encode(), cells
        taken.clear()


def written(cells: Iterable[str]) -> bytes:
    """One record."""
    output = io.StringIO(newline="")
    csv.writer(output, lineterminator="\n").writerow(cells)
    return output.getvalue().encode()
