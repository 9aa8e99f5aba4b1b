"""Upload calm: what an application feels of uploads that change each row of another table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from math import ceil
from pathlib import Path
from typing import Final

from django.contrib.auth.models import User

from bench.articles.files import write_articles
from bench.articles.table import article_table
from bench.company import work_of_pgbench
from bench.counting import wait_for
from bench.latency import percentile
from bench.loaders import order_upload, psql_copy_in, summary_of
from bench.measuring import Measured, WrongWorkError, settle, turns
from bench.pgbench import latencies, pgbench_database
from bench.registry import Setting
from bench.table import Row
from bench.worker import csv_worker
from config.stack.stopping import say
from jobs.models import Job, Queue
from jobs.states import State

IDLE: Final = "idle"
BUSY: Final = "uploads"
PACED: Final = "paced uploads"
#: The dial of the paced uploads. Their files are small enough that whole uploads, with their commits, are measured.
ROWS_PER_SECOND: Final = 5_000
PACED_SHARE: Final = 0.02


def run(setting: Setting) -> list[Row]:
    """Uploads, one after the other: scan, plan and merge; without any pace, and with the dial `rows_per_second`.

    All of an upload is in the time that counts, so the percentiles near the end are those of the merges' commits, too.
    """
    say("upload-calm: measuring")
    rows = setting.upload_rows
    owner = User.objects.create_user("upload-calm")
    files = [write_articles(setting.folder.path / f"articles-{dearer}.csv", rows, dearer=dearer) for dearer in (1, 2)]
    paced_rows = ceil(PACED_SHARE * rows)
    paced_files = [
        write_articles(setting.folder.path / f"few-{dearer}.csv", paced_rows, dearer=dearer) for dearer in (3, 4)
    ]
    figures: dict[str, list[float]] = {IDLE: [], BUSY: [], PACED: []}
    highest: dict[str, list[float]] = {IDLE: [], BUSY: [], PACED: []}
    contenders: dict[str, tuple[Iterator[Path] | None, int, int | None]] = {
        IDLE: (None, 0, None),
        BUSY: (cycle(files), rows, None),
        PACED: (cycle(paced_files), paced_rows, ROWS_PER_SECOND),
    }
    with article_table(), pgbench_database() as address, csv_worker(setting.folder):
        psql_copy_in(files[1])
        latencies(address, rate=setting.rate, seconds=setting.seconds, look=lambda: None)
        settle()
        for name, _ in turns(list(contenders), repeat=setting.repeat, warm_up=False):
            its_files, its_rows, rate = contenders[name]
            with dial(rate), uploads(owner, its_files, rows=its_rows) as company:
                taken = latencies(
                    address,
                    rate=setting.rate,
                    seconds=setting.seconds,
                    look=company.look,
                    lead=0.2 * setting.seconds,
                )
            p95, p99, most = percentile(taken, 95), percentile(taken, 99), max(taken)
            say(f"  {name}: p95 {p95:.2f} ms, p99 {p99:.2f} ms, max {most:.2f} ms, {len(company.jobs):,} uploads")
            figures[name].append(p95)
            highest[name].append(most)
    return rows_of(figures, highest, setting, rows=rows, paced_rows=paced_rows)


def rows_of(
    figures: dict[str, list[float]], highest: dict[str, list[float]], setting: Setting, *, rows: int, paced_rows: int
) -> list[Row]:
    """The p95 beside uploads with and without a pace, and the slowest transaction, commits of merges included."""
    idle, busy, paced = (Measured(name, values, "ms") for name, values in figures.items())
    quiet, _, slowest = (Measured(name, values, "ms") for name, values in highest.items())
    work, beside = (
        work_of_pgbench(setting),
        f"uploads of {paced_rows:,} rows at {ROWS_PER_SECOND:,} rows/s, all updated",
    )
    compared = (
        ("upload-calm", f"p95 of {work} beside uploads of {rows:,} rows, all updated", busy, idle, None),
        ("upload-calm-paced", f"p95 of {work} beside {beside}", paced, idle, 1.2),
        ("upload-calm-slowest", f"slowest transaction of {work} beside {beside}", slowest, quiet, 2.0),
    )
    return [
        Row(name, described, ours, other, ours.median / other.median, "×", target, at_most=True)
        for name, described, ours, other, target in compared
    ]


@contextmanager
def dial(rows_per_second: int | None) -> Iterator[None]:
    """Uploads that begin within the block have this dial."""
    queue = Queue.objects.filter(name="uploads")
    queue.update(rows_per_second=rows_per_second)
    try:
        yield
    finally:
        queue.update(rows_per_second=None)


class Company:
    """Uploads of these files in turns: the next one is ordered when the last one has ended."""

    def __init__(self, owner: User, files: Iterator[Path] | None, *, rows: int) -> None:
        self.owner = owner
        self.rows = rows
        self.jobs: list[Job] = []
        self._files = files

    def look(self) -> None:
        """Order, if none runs. Raises WrongWorkError if the last one did not update all rows."""
        if self._files is None or (self.jobs and not self.last_has_ended()):
            return
        self.require_last()
        self.jobs.append(order_upload(self.owner, next(self._files)))

    def last_has_ended(self) -> bool:
        """Whether the last upload is neither waiting nor running."""
        last = Job.objects.filter(pk=self.jobs[-1].pk)
        return not last.filter(state__in=(State.QUEUED, State.RUNNING)).exists()

    def require_last(self) -> None:
        """Raises WrongWorkError unless the last upload has updated all rows."""
        if self.jobs and (updated := summary_of(self.jobs[-1])["rowsUpdated"]) != self.rows:
            raise WrongWorkError(f"of {self.rows:,} rows {updated:,} were updated")


@contextmanager
def uploads(owner: User, files: Iterator[Path] | None, *, rows: int) -> Iterator[Company]:
    """The uploads within the block; the last one has ended behind it."""
    company = Company(owner, files, rows=rows)
    yield company
    if company.jobs:
        wait_for(1, lambda: int(company.last_has_ended()), stalled_seconds=300)
        company.require_last()
