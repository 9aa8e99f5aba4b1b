"""Calm: what an application feels of one report that reads its database, by how the report is paced."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.contrib.auth.models import User

from bench.company import Company, p95_beside, work_of_pgbench
from bench.measuring import Measured
from bench.registry import Setting
from bench.table import Row
from config.stack.stopping import say

#: The dial of the paced report.
ROWS_PER_SECOND: Final = 20_000
PACED: Final = f"{ROWS_PER_SECOND:,} rows/s"
PSQL: Final = f"psql, {PACED}"
COMPANIES: Final = {
    "idle": Company(ordered=0),
    "unpaced": Company(ordered=1),
    PACED: Company(ordered=1, dials={"rows_per_second": ROWS_PER_SECOND}),
    # Its rate doubles from second to second until it has found its share, within the lead.
    PSQL: Company(psql_rows_per_second=ROWS_PER_SECOND),
    "auto": Company(ordered=1, lead=1.0, dials={"pace": "auto"}),
}


def run(setting: Setting) -> list[Row]:
    """All targets are about the dial and `auto`; unpaced is shown to say what they are good for.

    psql reads the same rows at the same rate and drops them: no report can disturb less.
    """
    say("calm: measuring")
    companies = {name: company for name, company in COMPANIES.items() if not (setting.quick and name == "unpaced")}
    felt = p95_beside(companies, owner=User.objects.create_user("calm"), setting=setting)
    idle, paced, auto = (felt[name].p95 for name in ("idle", PACED, "auto"))
    auto = replace(auto, name=f"auto, at {felt['auto'].rows_per_second:,.0f} rows/s")
    rows: list[tuple[str, Measured, float | None]] = [
        ("calm-paced", paced, 1.2), ("calm-auto", auto, 1.2), ("calm-psql", felt[PSQL].p95, None)
    ]  # fmt: skip
    if "unpaced" in felt:
        rows.append(("calm-unpaced", felt["unpaced"].p95, None))
    work = f"p95 of {work_of_pgbench(setting)} beside a report"
    return [
        Row(name, work, ours, idle, ours.median / idle.median, "×", target, at_most=True) for name, ours, target in rows
    ]
