"""How much is measured: `make bench` and the smaller `make bench-quick`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True)
class Sizes:
    """Each field is an option of the command line, too."""

    lines: int  #: order lines of the sample data
    rows: int  #: rows of the largest report
    seconds: int  #: of pgbench, in one measured run
    rate: int  #: transactions of pgbench that are due each second
    jobs: int  #: jobs that do nothing, of one run of each contender
    requests: int  #: of one run of each web server
    backlog: int  #: waiting jobs of the large backlog
    upload_rows: int  #: of an uploaded file
    repeat: int  #: measured runs of each contender


FULL: Final = Sizes(
    lines=500_000,
    rows=5_000_000,
    seconds=5,
    rate=400,
    jobs=1000,
    requests=600,
    backlog=1_000_000,
    upload_rows=200_000,
    repeat=3,
)
#: A paced report of so many rows lasts longer than pgbench.
QUICK: Final = Sizes(
    lines=200_000,
    rows=1_000_000,
    seconds=2,
    rate=400,
    jobs=200,
    requests=400,
    backlog=100_000,
    upload_rows=20_000,
    repeat=1,
)
HELP: Final = {
    "lines": "order lines of the export",
    "rows": "rows of the largest report",
    "seconds": "pgbench, in one measured run",
    "rate": "transactions of pgbench that are due each second",
    "jobs": "jobs that do nothing, of one measured run",
    "requests": "of one measured run of a web server",
    "backlog": "waiting jobs of the large backlog",
    "upload_rows": "rows of an uploaded file",
    "repeat": "measured runs of each contender",
}
NAMES: Final = tuple(field.name for field in fields(Sizes))
