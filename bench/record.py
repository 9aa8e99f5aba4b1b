"""The figures of one run as JSON: `--json FILE`, and `--record` for the history in `bench/results/`.

`SCHEMA` counts up when a member changes its meaning. A record names no host, user or path.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any, Final

from bench.machine import Machine
from bench.sizes import Sizes
from bench.table import Row
from config.stack.datafolder import BASE_DIR

SCHEMA: Final = 1
FOLDER: Final = BASE_DIR / "bench" / "results"

Record = dict[str, Any]


def make_record(
    machine: Machine, postgresql: str, *, sizes: Sizes, quick: bool, rows: Sequence[Row], durations: Mapping[str, float]
) -> Record:
    """What a run has measured, of which commit, and where. `durations`: the seconds that each benchmark took."""
    return {
        "schema": SCHEMA,
        "at": machine.at,
        "commit": git("rev-parse", "HEAD"),
        "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        "machine": machine.to_json(postgresql),
        "options": {"quick": quick, **asdict(sizes)},
        "durations": {name: round(seconds, 1) for name, seconds in durations.items()},
        "rows": [row.to_json() for row in rows],
    }


def git(*arguments: str) -> str:
    """What git says of this tree; nothing where there is no git, or no repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=BASE_DIR, capture_output=True, text=True, check=False)  # noqa: S607
    except OSError:
        return ""
    return done.stdout.strip()


def write_record(record: Record, file: Path) -> None:
    """For people who read diffs, too."""
    file.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def new_file(record: Record, folder: Path = FOLDER) -> Path:
    """`<date>-<short commit>-<machine>.json`, with a number behind it if that is taken."""
    name = f"{record['at'][:10]}-{record['commit'][:8] or 'unknown'}-{record['machine']['slug']}"
    tries = (folder / f"{name}{f'-{number}' if number > 1 else ''}.json" for number in count(1))
    return next(file for file in tries if not file.exists())


def read_records(folder: Path = FOLDER) -> list[Record]:
    """The history, oldest first. Raises ValueError for a file of another schema."""
    records = []
    for file in folder.glob("*.json"):
        record: Record = json.loads(file.read_text(encoding="utf-8"))
        if record.get("schema") != SCHEMA:
            raise ValueError(f"{file.name} has schema {record.get('schema')}, not {SCHEMA}")
        records.append(record)
    return sorted(records, key=lambda record: record["at"])
