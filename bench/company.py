"""The p95 of pgbench, alone and in the company of reports that run meanwhile."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User

from bench.latency import percentile
from bench.measuring import Measured, settle, turns
from bench.ordered import reports, seed_lines
from bench.pgbench import latencies, pgbench_database
from bench.psql_reader import psql_reading
from bench.registry import Setting
from bench.worker import csv_worker
from config.stack.stopping import say


def work_of_pgbench(setting: Setting) -> str:
    """What an application does meanwhile, for the table."""
    return f"pgbench at {setting.rate} transactions/s"


@dataclass(frozen=True)
class Company:
    """So many reports, of which so many run at once; or psql, which reads as many rows per second."""

    ordered: int = 0
    max_running: int = 1
    #: How long they run beside pgbench before that counts, in lengths of what counts.
    lead: float = 0.2
    dials: Mapping[str, Any] = field(default_factory=dict)
    psql_rows_per_second: int = 0


@dataclass(frozen=True)
class Felt:
    """What pgbench felt of one company, by the repeated runs, and how fast its reports were, all together."""

    p95: Measured
    rows_per_second: float  #: median


def p95_beside(companies: Mapping[str, Company], *, owner: User, setting: Setting) -> dict[str, Felt]:
    """Measure pgbench beside each company, in turns. Raises WrongWorkError when one did not run all the while."""
    seed_lines(setting.rows)
    processes = max(company.max_running for company in companies.values())
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in companies}
    with pgbench_database() as address, csv_worker(setting.folder, concurrency=processes):
        latencies(address, rate=setting.rate, seconds=setting.seconds, look=lambda: None)
        settle()
        for name, _ in turns(list(companies), repeat=setting.repeat, warm_up=False):
            p95, rate = p95_in(companies[name], address, owner=owner, setting=setting)
            say(f"  {name}: p95 {p95:.2f} ms, {rate:,.0f} rows/s")
            figures[name].append((p95, rate))
    return {
        name: Felt(Measured(name, [p95 for p95, _ in runs], "ms"), statistics.median(rate for _, rate in runs))
        for name, runs in figures.items()
    }


def p95_in(company: Company, address: str, *, owner: User, setting: Setting) -> tuple[float, float]:
    """Milliseconds, and the rows per second of all reports together, or of psql."""
    watched = (
        psql_reading(rows_per_second=company.psql_rows_per_second)
        if company.psql_rows_per_second
        else reports(owner, ordered=company.ordered, max_running=company.max_running, **company.dials)
    )
    with watched as watch:
        seconds = setting.seconds
        taken = latencies(address, rate=setting.rate, seconds=seconds, look=watch.look, lead=company.lead * seconds)
        p95 = percentile(taken, 95)
        return p95, watch.rows_per_second()
