"""Export: a report to a stored, hashed, published file, beside `psql \\copy` and Django's iterator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from django.contrib.auth.models import User

from bench.checking import Inspector, require_defused_lines, require_same_bytes, require_same_rows, require_same_text
from bench.contenders import Made, iterate, order_and_run, psql_copy, psql_copy_safe
from bench.measuring import WrongWorkError, alternate
from bench.processor_time import ProcessorTime
from bench.registry import Setting
from bench.table import Row
from config.stack.stopping import say
from examples.sales.seeding import seed_sales
from jobs.models import Queue

#: What the worker makes of PostgreSQL's UTF-8, which is the first.
ENCODINGS: Final = ("utf-8", "cp932", "utf-16")
#: Columns of `order-lines` whose cells all these encodings have characters for.
ENCODABLE: Final = (
    "line_id", "order_id", "ordered_at", "channel", "customer_code", "country", "sku", "category", "quantity",
    "unit_price", "discount_percent", "amount",
)  # fmt: skip


def run(setting: Setting) -> list[Row]:
    """Measure all contenders in turns, check that they did the same, and compare."""
    say(f"export: seeding {setting.lines:,} order lines")
    for step in seed_sales(lines=setting.lines, using="default"):
        say(f"  {step.table}: {step.rows:,} rows")
    owner = User.objects.create_user("export")
    Queue.objects.filter(name="reports").update(paused=True)  # this process runs the jobs itself
    say("export: measuring")
    inspector = Inspector()
    folder = setting.folder.path
    spent = ProcessorTime()
    contenders: dict[str, Callable[[], Made]] = {
        "Longhaul": partial(order_and_run, owner, spreadsheet_safe=False),
        "spreadsheet-safe": partial(order_and_run, owner, spreadsheet_safe=True),
        r"psql \copy": partial(psql_copy, folder),
        "psql, same SQL": partial(psql_copy_safe, folder),
        "iterator()": partial(iterate, folder),
        **{
            encoding: partial(order_and_run, owner, spreadsheet_safe=False, encoding=encoding, columns=ENCODABLE)
            for encoding in ENCODINGS
        },
    }
    timed = alternate(
        {name: spent.of(name, contender) for name, contender in contenders.items()},
        repeat=setting.repeat,
        inspect=inspector.inspect,
        once={"iterator()"},
    )
    Queue.objects.filter(name="reports").update(paused=False)
    say("export: checking what was written")
    check(*(inspector.last[name] for name in contenders), lines=setting.lines)
    rates = {name: measured.per_second(setting.lines, "rows") for name, measured in timed.items()}
    ours, safe, psql, psql_safe, iterator, utf8, *encoded = rates.values()
    work = f"report of {setting.lines:,} rows"
    cpu, peers_cpu = (spent.per_row(name, setting.lines) for name in ("spreadsheet-safe", "psql, same SQL"))
    return [
        Row("export", work, ours, psql, ours.median / psql.median, "×", 0.8),
        Row("export-safe", work, safe, psql_safe, safe.median / psql_safe.median, "×", 0.95),
        Row("iterator", work, ours, iterator, ours.median / iterator.median, "×", 3.0),
        *(Row(f"export-{rate.name}", work, rate, utf8, rate.median / utf8.median, "×", 0.5) for rate in encoded),
        Row("export-cpu", f"{work}, processor time", cpu, peers_cpu, cpu.median / peers_cpu.median, "×", None),
    ]


def check(ours: Made, safe: Made, psql: Made, psql_safe: Made, iterator: Made, *encoded: Made, lines: int) -> None:
    """Hold the files against each other, and the row counts against all. Raises WrongWorkError."""
    require_same_bytes(ours.file, psql.file)
    for made, encoding in zip(encoded, ENCODINGS, strict=True):
        require_same_text(encoded[0].file, made.file, encoding=encoding)
    rows, made_safe = require_same_rows(psql.file, iterator.file, psql_safe.file)
    within = require_defused_lines(safe.file, psql_safe.file)
    if not rows == ours.row_count == safe.row_count == lines:
        raise WrongWorkError(f"{lines} rows were seeded, {ours.row_count} reported, {rows} written")
    say("  same bytes as psql, same cells as iterator(), counts and SHA-256 true")
    say(f"  {made_safe:,} cells defused at their beginning, {within:,} rows within a cell")
    for made in (ours, safe, psql, psql_safe, iterator, *encoded):
        made.file.unlink()
