"""`python -m bench [NAME …] [options]`: the table.

Exits 0 when all targets are met, 1 when one is missed (the last line names it), 2 when nothing could
be measured.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from bench.environment import servers
from bench.machine import Machine, postgresql
from bench.measuring import WrongWorkError
from bench.record import make_record, new_file, write_record
from bench.registry import BENCHMARKS, ONLY_BY_NAME, Setting, run_benchmark, selected
from bench.sizes import FULL, HELP, NAMES, QUICK, Sizes
from bench.table import Row, summary, table
from config.stack.datafolder import LaunchError
from config.stack.stopping import say


def at_least_one(text: str) -> int:
    """A count of something to measure."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; an unknown benchmark is an error that names the known ones."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure Longhaul beside its peers.")
    by_name = ", ".join(sorted(ONLY_BY_NAME))
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; unless told, all but {by_name}"
    )
    for name in NAMES:
        defaults = f"; {getattr(FULL, name):,}, quick {getattr(QUICK, name):,}"
        parser.add_argument(f"--{name.replace('_', '-')}", type=at_least_one, help=HELP[name] + defaults)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer runs, and no rows without a target")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--record", action="store_true", help="write all figures into the history, bench/results/")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark named {', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")
    return options


def sizes_of(options: argparse.Namespace) -> Sizes:
    """Those of the command line, and for the rest the usual ones."""
    given = {name: value for name in NAMES if (value := getattr(options, name)) is not None}
    return replace(QUICK if options.quick else FULL, **given)


def measure(options: argparse.Namespace) -> list[Row]:
    """Run what was asked for over fresh servers; print the table on stdout, progress on stderr."""
    machine, sizes = Machine(), sizes_of(options)
    rows: list[Row] = []
    durations: dict[str, float] = {}
    began = time.monotonic()
    with servers() as folder:
        server = postgresql()
        setting = Setting(**asdict(sizes), folder=folder, quick=options.quick)
        for name in selected(options.names):
            started = time.monotonic()
            rows += run_benchmark(name, setting)
            durations[name] = time.monotonic() - started
            say(f"{name}: took {durations[name]:.0f} s")
    say(f"all: took {time.monotonic() - began:.0f} s")
    sys.stdout.write(f"\n{table(rows)}\n{machine.to_text(server)}\n{summary(rows)}\n")
    record = make_record(machine, server, sizes=sizes, quick=options.quick, rows=rows, durations=durations)
    if options.json:
        write_record(record, options.json)
    if options.record:
        write_record(record, new_file(record))
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped and the folder goes
    try:
        rows = measure(options)
    except (LaunchError, WrongWorkError) as error:
        say(f"bench: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
