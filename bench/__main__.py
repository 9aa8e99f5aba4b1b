"""`python -m bench [NAME …] [options]`: the table.

Exits 0 when all targets are met, 1 when one is missed (the last line names it), 2 when nothing could
be measured.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.environment import servers
from bench.machine import Machine, postgresql
from bench.measuring import WrongWorkError
from bench.registry import BENCHMARKS, Setting, run_benchmark
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
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; all unless told")
    parser.add_argument("--lines", type=at_least_one, default=1_500_000, help="order lines of the export")
    parser.add_argument("--rows", type=at_least_one, default=5_000_000, help="rows of the largest report")
    parser.add_argument("--seconds", type=at_least_one, default=5, help="pgbench, in one measured run")
    parser.add_argument(
        "--rate", type=at_least_one, default=400, help="transactions of pgbench that are due each second"
    )
    parser.add_argument("--jobs", type=at_least_one, default=1000, help="jobs that do nothing, of one measured run")
    parser.add_argument("--requests", type=at_least_one, default=2000, help="of one measured run of a web server")
    parser.add_argument("--backlog", type=at_least_one, default=1_000_000, help="waiting jobs of the large backlog")
    parser.add_argument("--upload-rows", type=at_least_one, default=200_000, help="rows of an uploaded file")
    parser.add_argument("--repeat", type=at_least_one, default=3, help="measured runs of each contender")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark named {', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")
    return options


def measure(options: argparse.Namespace) -> list[Row]:
    """Run what was asked for over fresh servers; print the table on stdout, progress on stderr."""
    machine = Machine()
    rows: list[Row] = []
    with servers() as folder:
        server = postgresql()
        setting = Setting(
            folder,
            lines=options.lines,
            rows=options.rows,
            seconds=options.seconds,
            rate=options.rate,
            jobs=options.jobs,
            requests=options.requests,
            backlog=options.backlog,
            upload_rows=options.upload_rows,
            repeat=options.repeat,
        )
        for name in BENCHMARKS:
            if not options.names or name in options.names:
                rows += run_benchmark(name, setting)
    sys.stdout.write(f"\n{table(rows)}\n{machine.to_text(server)}\n{summary(rows)}\n")
    if options.json:
        result = {"machine": machine.to_json(server), "rows": [row.to_json() for row in rows]}
        options.json.write_text(json.dumps(result, indent=2) + "\n")
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
