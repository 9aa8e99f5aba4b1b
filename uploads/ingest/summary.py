"""What the status of an upload shows of its file: kept in the job's result, also if the upload is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from uploads.row_codes import message_for
from uploads.types import Counts


@dataclass
class Summary:
    """Grows while the attempt runs. Its JSON is the member `upload` of the job's result."""

    phase: str = "received"
    facts: dict[str, Any] = field(default_factory=dict)
    counts: Counts | None = None

    def add(self, **facts: Any) -> None:
        """Add members of the status."""
        self.facts.update(facts)

    def warn(self, code: str, **facts: Any) -> None:
        """Add a warning."""
        warnings = self.facts.get("warnings", [])
        self.facts["warnings"] = [*warnings, {"code": code, "detail": message_for(code, **facts)}]

    def as_json(self) -> dict[str, Any]:
        """The members of the status. Those that are not known are left out."""
        counts = self.counts
        return {
            "phase": self.phase,
            **self.facts,
            **(
                {
                    "rowsTotal": counts.total,
                    "rowsInserted": counts.inserted,
                    "rowsUpdated": counts.updated,
                    "rowsUnchanged": counts.unchanged,
                    "rowsFailed": counts.failed,
                    "rowsBlank": counts.blank,
                }
                if counts
                else {}
            ),
        }
