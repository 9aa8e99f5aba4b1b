"""Crowd: what an application feels of many reports that are ordered at once, where one may run."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import User

from bench.calm import ROWS_PER_SECOND
from bench.company import Company, p95_beside, work_of_pgbench
from bench.registry import Setting
from bench.table import Row
from config.stack.stopping import say

PACED: Final[dict[str, Any]] = {"rows_per_second": ROWS_PER_SECOND}
UNLIMITED: Final = "10 running"
#: The worker has a process for each of the last ten, so nothing but the dial lets the others wait.
COMPANIES: Final = {
    "1 ordered": Company(ordered=1, dials=PACED),
    "3 ordered": Company(ordered=3, dials=PACED),
    "10 ordered": Company(ordered=10, dials=PACED),
    UNLIMITED: Company(ordered=10, max_running=10, dials=PACED),
}


def run(setting: Setting) -> list[Row]:
    """All reports have the same dial of rows per second; without the limit of one, ten times as many rows flow."""
    say("crowd: measuring")
    companies = {name: company for name, company in COMPANIES.items() if not (setting.quick and name == UNLIMITED)}
    felt = p95_beside(companies, owner=User.objects.create_user("crowd"), setting=setting)
    one = felt.pop("1 ordered").p95
    work = f"p95 of {work_of_pgbench(setting)} beside reports of {ROWS_PER_SECOND:,} rows/s"
    rows = {"3 ordered": ("crowd-3", 1.5), "10 ordered": ("crowd-10", 1.5), UNLIMITED: ("crowd-unlimited", None)}
    return [
        Row(rows[company][0], work, ours, one, ours.median / one.median, "×", rows[company][1], at_most=True)
        for company, ours in ((company, each.p95) for company, each in felt.items())
    ]
