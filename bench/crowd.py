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
#: The worker has a process for each of the last ten, so nothing but the dial lets the others wait.
COMPANIES: Final = {
    "1 ordered": Company(ordered=1, dials=PACED),
    "3 ordered": Company(ordered=3, dials=PACED),
    "10 ordered": Company(ordered=10, dials=PACED),
    "10 running": Company(ordered=10, max_running=10, dials=PACED),
}


def run(setting: Setting) -> list[Row]:
    """All reports have the same dial of rows per second; without the limit of one, ten times as many rows flow."""
    say("crowd: measuring")
    felt = p95_beside(COMPANIES, owner=User.objects.create_user("crowd"), setting=setting)
    one, three, ten, unlimited = (measured.p95 for measured in felt.values())
    rows = (("crowd-3", three, 1.5), ("crowd-10", ten, 1.5), ("crowd-unlimited", unlimited, None))
    work = f"p95 of {work_of_pgbench(setting)} beside reports of {ROWS_PER_SECOND:,} rows/s"
    return [
        Row(name, work, ours, one, ours.median / one.median, "×", target, at_most=True) for name, ours, target in rows
    ]
