"""`python -m bench.in_turns BASE [NAME …] [options]`: two commits on one machine, in turns, and what has changed.

BASE, any commit, is checked out into a temporary folder; the other side is this tree as it is. A round is one run of
each side with `--repeat 1`, and each round begins with the other side: before, after, after, before, and so on. So
whatever else the machine does hits both alike. `--repeat` is the number of rounds. The other options are those of
`python -m bench`. A benchmark that BASE does not have is measured on this side only; an option that it does not have
is left out there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.__main__ import at_least_one, parse, sizes_of
from bench.compare import comparison, read
from bench.record import git
from bench.registry import selected
from config.stack.datafolder import BASE_DIR
from config.stack.stopping import say

ROUNDS: Final = 5
#: Of `python -m bench`: all targets met, or one missed. Anything else is no measurement.
MEASURED: Final = (0, 1)
#: The file descriptor: each run's own table is only progress here.
STDERR: Final = 2


class NotMeasuredError(Exception):
    """One of the sides did not come to any figures."""


@dataclass(frozen=True)
class Side:
    """A tree with its own `bench`, which is asked what it knows."""

    name: str
    folder: Path
    help: str

    @classmethod
    def of(cls, name: str, folder: Path) -> Side:
        """Raises NotMeasuredError where the tree has no benchmarks that run."""
        done = _bench(folder, ["--help"], capture=True)
        if done.returncode != 0:
            raise NotMeasuredError(f"{name}: python -m bench --help failed: {done.stderr.strip()[-500:]}")
        return cls(name, folder, done.stdout)

    def arguments(self, names: Sequence[str], sizes: dict[str, int]) -> list[str]:
        """What this tree knows of these benchmarks and sizes; nothing where it knows none of the benchmarks."""
        listed = self.help.partition("positional arguments:")[2].partition("; ")[0]
        words = listed.replace(",", " ").split()
        known = [name for name in names if name in words]
        options = {f"--{size.replace('_', '-')}": value for size, value in sizes.items()}
        given = [word for option, value in options.items() if option in self.help for word in (option, str(value))]
        return [*known, *given] if known else []

    def run(self, arguments: Sequence[str], file: Path) -> None:
        """Once. Raises NotMeasuredError."""
        done = _bench(self.folder, [*arguments, "--json", str(file)], capture=False)
        if done.returncode not in MEASURED:
            raise NotMeasuredError(f"{self.name}: python -m bench {' '.join(arguments)} ended with {done.returncode}")


def compare(base: str, names: Sequence[str], sizes: dict[str, int], *, rounds: int) -> str:
    """The table, with the load average before each run. Raises NotMeasuredError."""
    loads: list[str] = []
    files: dict[str, list[Path]] = {"before": [], "after": []}
    with checked_out(base) as tree, tempfile.TemporaryDirectory(prefix="longhaul-turns-") as folder:
        sides = [Side.of("before", tree), Side.of("after", BASE_DIR)]
        for number in range(rounds):
            for side in sides if number % 2 == 0 else reversed(sides):
                if not (arguments := side.arguments(names, {**sizes, "repeat": 1})):
                    continue
                load = os.getloadavg()[0]
                say(f"round {number + 1} of {rounds}, {side.name}: load average {load:.2f}")
                loads.append(f"{side.name} {load:.2f}")
                files[side.name].append(Path(folder) / f"{side.name}-{number}.json")
                side.run(arguments, files[side.name][-1])
        table = comparison(read(files["before"]), read(files["after"]))
    commits = f"Before: {base}. After: {git('rev-parse', '--short=8', 'HEAD')}"
    commits += " with changes." if git("status", "--porcelain", "--untracked-files=no") else "."
    return f"{table}\n{commits} Medians of {rounds} runs in turns. Load average before each: {', '.join(loads)}.\n"


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """The commit in a folder, for the length of a block, with this tree's `.venv`. Raises NotMeasuredError."""
    folder = Path(tempfile.mkdtemp(prefix="longhaul-base-"))
    try:
        done = _git("worktree", "add", "--detach", "--force", str(folder), commit)
        if done.returncode != 0:
            raise NotMeasuredError(f"{commit} could not be checked out: {done.stderr.strip()}")
        (folder / ".venv").symlink_to(BASE_DIR / ".venv")
        yield folder
    finally:
        _git("worktree", "remove", "--force", str(folder))
        shutil.rmtree(folder, ignore_errors=True)


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=BASE_DIR, capture_output=True, text=True, check=False)  # noqa: S607


def _bench(folder: Path, arguments: Sequence[str], *, capture: bool) -> subprocess.CompletedProcess[str]:
    """The other tree's modules are those of its folder, so whatever says otherwise is taken away."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LONGHAUL_DATA")}
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=folder,
        env={**environment, "COLUMNS": "1000"},  # so that --help breaks no line within a name
        stdout=subprocess.PIPE if capture else STDERR,
        stderr=subprocess.PIPE if capture else None,
        text=True,
        check=False,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 2 when one side could not be measured."""
    parser = argparse.ArgumentParser(prog="bench.in_turns", add_help=False)
    parser.add_argument("base")
    parser.add_argument("--repeat", type=at_least_one, default=ROUNDS)
    own, rest = parser.parse_known_args(arguments)
    options = parse(rest)
    sizes = asdict(sizes_of(options))
    try:
        table = compare(own.base, selected(options.names), sizes, rounds=own.repeat)
    except NotMeasuredError as error:
        say(f"bench: {error}")
        return 2
    sys.stdout.write(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
