"""`python -m bench.compare BEFORE.json AFTER.json`: what has changed between two commits, as a table in Markdown.

`--before` and `--after` take several files each, of runs in turns: a row's figure is then the median of theirs. Of a
file, only what its rows have had since the first version of `--json` is read, so that old commits can be compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HEADINGS: Final = ("row", "before", "after", "change", "Longhaul before", "Longhaul after", "target", "")


@dataclass(frozen=True)
class Results:
    """One row in all files of one side."""

    row: Mapping[str, Any]  #: of the newest file: unit, target and the like
    values: list[float]  #: the row's result in each file
    ours: list[float]  #: all measured runs of Longhaul, in its own unit

    @property
    def median(self) -> float:
        """What the change is made of."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """By the row's own target."""
        target: float = self.row["target"]
        return self.median <= target if self.row["at_most"] else self.median >= target


def read(files: Sequence[Path]) -> dict[str, Results]:
    """By the name of the row, in the order of the files."""
    found: dict[str, Results] = {}
    for file in files:
        for row in json.loads(file.read_text(encoding="utf-8"))["rows"]:
            known = found.get(row["name"])
            values, ours = (known.values, known.ours) if known else ([], [])
            found[row["name"]] = Results(row, [*values, row["value"]], [*ours, *row["ours"]["values"]])
    return found


def comparison(before: Mapping[str, Results], after: Mapping[str, Results]) -> str:
    """The rows of `after` in its order, also those that `before` did not have; then those that are gone."""
    lines = [HEADINGS, ("---",) * len(HEADINGS)]
    lines += [_line(name, before.get(name), results) for name, results in after.items()]
    lines += [_line(name, results, None) for name, results in before.items() if name not in after]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _line(name: str, before: Results | None, after: Results | None) -> tuple[str, ...]:
    return (name, *_cells(before, after))


def _cells(before: Results | None, after: Results | None) -> Iterator[str]:
    for side in (before, after):
        yield f"{_range(side.values, 2)} {side.row['unit']}" if side else ""
    change = (after.median / before.median - 1) * 100 if before and after and before.median else None
    yield "" if change is None else f"{change:+.0f} %"
    for side in (before, after):
        yield f"{_range(side.ours, 1)} {side.row['ours']['unit']}" if side else ""
    if after is None or after.row["target"] is None:
        yield from ("", "")
    else:
        yield f"{'at most' if after.row['at_most'] else 'at least'} {after.row['target']:g}"
        yield "met" if after.met else "MISSED"


def _range(values: Sequence[float], digits: int) -> str:
    low, middle, high = (f"{value:,.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({low}..{high})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="bench.compare", description="What has changed between two commits.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="two: before, after")
    parser.add_argument("--before", nargs="+", type=Path, default=[], metavar="FILE")
    parser.add_argument("--after", nargs="+", type=Path, default=[], metavar="FILE")
    options = parser.parse_args(arguments)
    before, after = options.before or options.files[:1], options.after or options.files[1:]
    if not before or not after or len(options.files) not in (0, 2):
        parser.error("name two files, or the files of both sides with --before and --after")
    sys.stdout.write(comparison(read(before), read(after)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
