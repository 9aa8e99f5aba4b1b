"""A row of the table, and how the table is printed and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.measuring import Measured


@dataclass(frozen=True)
class Row:
    """One comparison: `value` is on the right side of `target`, or it is missed. Without a target it is only shown."""

    name: str  #: for the summary and the JSON
    work: str
    ours: Measured
    beside: Measured | None
    value: float
    unit: str  #: of value and target
    target: float | None
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Equality counts."""
        if self.target is None:
            return True
        return self.value <= self.target if self.at_most else self.value >= self.target

    def to_markdown(self) -> str:
        """A line of the table."""
        bound = "" if self.target is None else f"{'at most' if self.at_most else 'at least'} {self.target:g}"
        verdict = "" if self.target is None else "met" if self.met else "MISSED"
        cells = (
            self.name,
            self.work,
            str(self.ours),
            str(self.beside or ""),
            f"{self.value:.2f} {self.unit}",
            bound,
            verdict,
        )
        return f"| {' | '.join(cells)} |"

    def to_json(self) -> dict[str, Any]:
        """All figures, not only the medians."""
        beside = self.beside and self.beside.to_json()
        return {**asdict(self), "ours": self.ours.to_json(), "beside": beside, "met": self.met}


def table(rows: Sequence[Row]) -> str:
    """As Markdown, so that it can go into the docs as it is."""
    headings = ("row", "work", "Longhaul", "beside", "result", "target", "")
    lines = [f"| {' | '.join(headings)} |", "| " + " | ".join("---" for _ in headings) + " |"]
    return "\n".join([*lines, *(row.to_markdown() for row in rows)]) + "\n"


def summary(rows: Sequence[Row]) -> str:
    """Which targets are missed, by the names of the rows."""
    missed = [row.name for row in rows if not row.met]
    targets = sum(row.target is not None for row in rows)
    return f"Missed: {', '.join(missed)}." if missed else f"All {targets} targets are met."
