"""Where the figures come from: a ratio without its machine says little."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil
from django.db import connection

#: One-minute load average from which on something else plainly ran.
NOISY_LOAD: Final = 0.5


def cores() -> int:
    """As many as this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_model() -> str:
    """As the kernel names it; the architecture where it does not."""
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return " ".join(found[1].split()) if found else platform.machine()


def kernel() -> str:
    """Its version, without the suffix of whoever built it."""
    return f"{platform.system()} {platform.release().partition('-')[0]}"


@dataclass(frozen=True)
class Machine:
    """Facts of the run, taken before it puts any load on the machine itself. None names the machine or its user."""

    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    cpu: str = field(default_factory=cpu_model)
    cores: int = field(default_factory=cores)
    memory_gb: float = field(default_factory=lambda: round(psutil.virtual_memory().total / 1e9, 1))
    kernel: str = field(default_factory=kernel)
    load_average_at_start: float = field(default_factory=lambda: round(os.getloadavg()[0], 2))
    python: str = field(default_factory=platform.python_version)

    @property
    def slug(self) -> str:
        """For a file's name, and to tell machines apart: `intel-xeon-platinum-8488c-2-cores`."""
        words = re.sub(r"\(\w+\)|@.*|\b(CPU|Processor)\b", " ", self.cpu).lower()
        return "-".join([*re.findall(r"[a-z0-9]+", words), str(self.cores), "cores"])

    def to_text(self, postgresql: str) -> str:
        """For people, below the table; a warning where the figures cannot be trusted."""
        facts = f"{self.cpu}, {self.cores} cores, load average at the start {self.load_average_at_start:.2f}"
        lines = [
            f"{self.at}: {facts}, Python {self.python}, {postgresql}.",
            "Medians of alternating runs; in brackets the lowest and the highest figure.",
        ]
        if self.load_average_at_start > NOISY_LOAD:
            lines.append(f"WARNING: the load average was above {NOISY_LOAD}: something else ran; measure again.")
        return "\n".join(lines)

    def to_json(self, postgresql: str) -> dict[str, Any]:
        """The same for programs, with the load average of now, when the run has ended."""
        end = round(os.getloadavg()[0], 2)
        return {**asdict(self), "slug": self.slug, "load_average_at_end": end, "postgresql": postgresql}


def postgresql() -> str:
    """The server's version, and the settings that would make the figures dishonest."""
    names = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
    with connection.cursor() as cursor:

        def setting(name: str) -> str:
            cursor.execute("SELECT current_setting(%s)", [name])
            return str(cursor.fetchone()[0])

        described = ", ".join(f"{name} {setting(name)}" for name in names)
        return f"PostgreSQL {setting('server_version')} ({described})"
