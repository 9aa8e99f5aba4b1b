"""Where the figures come from: a ratio without its machine says little."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection

#: One-minute load average from which on something else plainly ran.
NOISY_LOAD: Final = 0.5


def cores() -> int:
    """As many as this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Machine:
    """Facts of the run, taken before it puts any load on the machine itself."""

    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    cores: int = field(default_factory=cores)
    load_average_at_start: float = field(default_factory=lambda: os.getloadavg()[0])
    python: str = field(default_factory=platform.python_version)

    def to_text(self, postgresql: str) -> str:
        """For people, below the table; a warning where the figures cannot be trusted."""
        facts = f"{self.cores} cores, load average at the start {self.load_average_at_start:.2f}, Python {self.python}"
        lines = [
            f"{self.at}: {facts}, {postgresql}.",
            "Medians of alternating runs; in brackets the lowest and the highest figure.",
        ]
        if self.load_average_at_start > NOISY_LOAD:
            lines.append(f"WARNING: the load average was above {NOISY_LOAD}: something else ran; measure again.")
        return "\n".join(lines)

    def to_json(self, postgresql: str) -> dict[str, Any]:
        """The same for programs."""
        return {**asdict(self), "postgresql": postgresql}


def postgresql() -> str:
    """The server's version, and the settings that would make the figures dishonest."""
    names = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
    with connection.cursor() as cursor:

        def setting(name: str) -> str:
            cursor.execute("SELECT current_setting(%s)", [name])
            return str(cursor.fetchone()[0])

        described = ", ".join(f"{name} {setting(name)}" for name in names)
        return f"PostgreSQL {setting('server_version')} ({described})"
