"""`python -m bench.page`: the history of `bench/results/` as one page, with a chart for each row.

The page, `bench/results/index.html`, stands alone: its style and its charts are within it, and it has no script. It is
made from the records, so it is not kept in the repository.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from bench.chart import Point, chart, marker
from bench.record import FOLDER, Record, read_records
from bench.sizes import FULL

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1d2530; --faint: #5a6673; --paper: #fff; --card: #f5f7f9; --grid: #d5dbe1;
  --target: #b3261e; --m0: #1662c4; --m1: #a84b00; --m2: #2c7a35; --m3: #8a2f9b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaef; --faint: #a3aebb; --paper: #12161b; --card: #1b2129;
  --grid: #38424e; --target: #ff8a80; --m0: #7ab4ff; --m1: #ffb072; --m2: #86d48f; --m3: #dd9bea; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 78rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); }
h1 { margin: 0; font-size: 1.6rem; }
h2 { margin: 0; font-size: 1.05rem; overflow-wrap: anywhere; }
p { margin: .25rem 0 .75rem; color: var(--faint); }
ul { list-style: none; margin: 0 0 1rem; padding: 0; }
.rows { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
article { padding: .75rem; background: var(--card); border: 1px solid var(--grid); border-radius: .5rem; min-width: 0; }
article p { margin: 0 0 .5rem; font-size: .875rem; }
.missed { color: var(--target); font-weight: 600; }
svg { display: block; width: 100%; height: auto; }
svg.key { display: inline-block; width: 1em; height: 1em; vertical-align: -.1em; }
text { font: 12px system-ui, sans-serif; fill: var(--faint); }
.commit { font-family: ui-monospace, monospace; font-size: 11px; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.grid { stroke: var(--grid); }
.line { fill: none; stroke: var(--grid); stroke-width: 2; }
.target { stroke: var(--target); stroke-dasharray: 6 4; }
.target-text { fill: var(--target); }
.m0 { fill: var(--m0); } .m1 { fill: var(--m1); } .m2 { fill: var(--m2); } .m3 { fill: var(--m3); }
details { font-size: .875rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .2rem .5rem .2rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--grid); }
td { font-variant-numeric: tabular-nums; }
"""


def page(records: Sequence[Record]) -> str:
    """HTML. Rows in the order of the newest record that has them; runs of other sizes than the usual are marked."""
    machines = list(dict.fromkeys(record["machine"]["slug"] for record in records))
    names = list(dict.fromkeys(row["name"] for record in reversed(records) for row in record["rows"]))
    articles = "\n".join(_article(name, records, machines) for name in names)
    key = "\n".join(f"<li>{_key(number)} {escape(slug)}</li>" for number, slug in enumerate(machines))
    none = "<p>There is no record yet: <code>make bench ARGS=--record</code> writes one.</p>"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Longhaul: benchmarks over commits</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>Benchmarks over commits</h1>
<p>The result of each row, from the oldest record to the newest. The dashed line is the target.</p>
<ul>
{key}
</ul>
{"" if records else none}
<div class="rows">
{articles}
</div>
</main>
</body>
</html>
"""


def _article(name: str, records: Sequence[Record], machines: Sequence[str]) -> str:
    """One row: its newest result in words, its chart, and all results as a table."""
    found = [(record, row) for record in records for row in record["rows"] if row["name"] == name]
    points = [_point(record, row, machines) for record, row in found]
    newest = found[-1][1]
    unit, target = newest["unit"], newest["target"]
    title = f"{name}: {len(points)} results, the newest {newest['value']:.2f} {unit}"
    lines = "\n".join(_line(record, row) for record, row in found)
    return f"""<article>
<h2>{escape(name)}</h2>
<p>{escape(newest["work"])}</p>
<p>{newest["value"]:.2f} {escape(unit)}{_verdict(newest)}</p>
{chart(points, target=target, unit=unit, title=title)}
<details><summary>All results</summary><div class="wide"><table>
<tr><th>when</th><th>commit</th><th>result</th><th>Longhaul</th><th>beside</th></tr>
{lines}
</table></div></details>
</article>"""


def _verdict(row: Mapping[str, Any]) -> str:
    if row["target"] is None:
        return "; no target"
    bound = f"{'at most' if row['at_most'] else 'at least'} {row['target']:g}"
    return f"; {bound}: {'met' if row['met'] else '<span class=missed>missed</span>'}"


def _point(record: Record, row: Mapping[str, Any], machines: Sequence[str]) -> Point:
    machine = record["machine"]["slug"]
    detail = f"{row['value']:.2f} {row['unit']}, {_when(record)}, {_commit(record)}, {machine}"
    return Point(record["at"][:10], record["commit"][:8], row["value"], machines.index(machine), detail)


def _line(record: Record, row: Mapping[str, Any]) -> str:
    cells = [_when(record), _commit(record), f"{row['value']:.2f} {row['unit']}", _figures(row["ours"])]
    cells.append(_figures(row["beside"]) if row["beside"] else "")
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _figures(measured: Mapping[str, Any]) -> str:
    low, middle, high = (f"{measured[name]:,.1f}" for name in ("lowest", "median", "highest"))
    return f"{measured['name']}: {middle} {measured['unit']} ({low}..{high})"


def _when(record: Record) -> str:
    """With what a reader must know of how much was measured, and how quiet it was."""
    options, load = record["options"], record["machine"]["load_average_at_start"]
    sizes = "quick" if options["quick"] else f"{options['repeat']} runs"
    usual = all(options.get(name) == value for name, value in vars(FULL).items() if name != "repeat")
    return f"{record['at'][:16]}, {sizes}{'' if usual or options['quick'] else ', other sizes'}, load {load:g}"


def _commit(record: Record) -> str:
    return f"{record['commit'][:8]}{' with changes' if record['dirty'] else ''}"


def _key(number: int) -> str:
    return f'<svg class="key" viewBox="-8 -8 16 16" aria-hidden="true">{marker(number, 0, 0)}</svg>'


def main(folder: Path = FOLDER) -> int:
    """Write the page, and say where."""
    file = folder / "index.html"
    records = read_records(folder)
    file.write_text(page(records), encoding="utf-8")
    sys.stdout.write(f"{len(records)} records: {file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
