"""`python -m bench [export] [memory] [--lines N] [--rows N] [--repeat R]`: the table, with ratios.

Exits 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys

from bench.environment import servers
from bench.measuring import Row, say

NOISY_LOAD = 0.5


def main() -> int:
    """Measure what was asked for; print the table on stdout and progress on stderr."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("what", nargs="*", help="export, memory; all unless told")
    parser.add_argument("--lines", type=int, default=1_500_000, help="order lines of the export")
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows of the memory measurement")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each contender")
    options = parser.parse_args()
    what = options.what or ["export", "memory"]
    if unknown := set(what) - {"export", "memory"}:
        parser.error(f"there is no benchmark named {', '.join(sorted(unknown))}")
    load = os.getloadavg()[0]
    rows: list[Row] = []
    with servers() as folder:
        if "export" in what:
            from bench import export
            from reports.sales.seeding import seed_sales

            say(f"Seeding {options.lines:,} order lines")
            list(seed_sales(lines=options.lines, using="default"))
            say("Exporting")
            rows += export.run(folder.path, repeat=options.repeat)
        if "memory" in what:
            from bench import memory

            say("Measuring memory")
            rows += memory.run(folder, many=options.rows)
        print_table(rows, load)
    return 0 if all(row.met for row in rows) else 1


def print_table(rows: list[Row], load: float) -> None:
    """As Markdown, so that it can go into the docs as it is."""
    out = sys.stdout.write
    out("\n| work | Longhaul | beside | ratio | target | |\n| --- | --- | --- | --- | --- | --- |\n")
    for row in rows:
        bound = "at most" if row.at_most else "at least"
        verdict = "met" if row.met else "MISSED"
        ratio = f"{row.value:.2f} {row.unit}"
        out(f"| {row.work} | {row.ours} | {row.beside} | {ratio} | {bound} {row.target:g} | {verdict} |\n")
    out(f"\n{os.cpu_count()} cores, Python {platform.python_version()}, load average at the start {load:.2f}. ")
    out("Medians of alternating runs; in brackets the fastest and the slowest.\n")
    if load > NOISY_LOAD:
        out(f"The load average was above {NOISY_LOAD}: something else ran, so take the figures with care.\n")


if __name__ == "__main__":
    sys.exit(main())
