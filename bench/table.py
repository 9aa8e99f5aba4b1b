"""A row of the table, and how the table is printed and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.measuring import Measured


@dataclass(frozen=True)
class Row:
    """One comparison: `value` is on the right side of `target`, or it is missed."""

    name: str  #: for the summary and the JSON
    work: str
    ours: Measured
    beside: Measured
    value: float
    unit: str  #: of value and target
    target: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Equality counts."""
        return self.value <= self.target if self.at_most else self.value >= self.target

    def to_markdown(self) -> str:
        """A line of the table."""
        bound = "at most" if self.at_most else "at least"
        verdict = "met" if self.met else "MISSED"
        cells = (
            self.name,
            self.work,
            str(self.ours),
            str(self.beside),
            f"{self.value:.2f} {self.unit}",
            f"{bound} {self.target:g}",
            verdict,
        )
        return f"| {' | '.join(cells)} |"

    def to_json(self) -> dict[str, Any]:
        """All figures, not only the medians."""
        return {**asdict(self), "met": self.met}


def table(rows: Sequence[Row]) -> str:
    """As Markdown, so that it can go into the docs as it is."""
    headings = ("row", "work", "Longhaul", "beside", "result", "target", "")
    lines = [f"| {' | '.join(headings)} |", "| " + " | ".join("---" for _ in headings) + " |"]
    return "\n".join([*lines, *(row.to_markdown() for row in rows)]) + "\n"


def summary(rows: Sequence[Row]) -> str:
    """Which targets are missed, by the names of the rows."""
    missed = [row.name for row in rows if not row.met]
    return f"Missed: {', '.join(missed)}." if missed else f"All {len(rows)} targets are met."
