"""Upload calm: what an application feels of uploads that change each row of another table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
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
from jobs.models import Job
from jobs.states import State

IDLE: Final = "idle"
BUSY: Final = "uploads"


def run(setting: Setting) -> list[Row]:
    """Uploads without any pace, one after the other: scan, plan and merge."""
    say("upload-calm: measuring")
    rows = setting.upload_rows
    owner = User.objects.create_user("upload-calm")
    files = [write_articles(setting.folder.path / f"articles-{dearer}.csv", rows, dearer=dearer) for dearer in (1, 2)]
    figures: dict[str, list[float]] = {IDLE: [], BUSY: []}
    with article_table(), pgbench_database() as address, csv_worker(setting.folder):
        psql_copy_in(files[1])
        latencies(address, rate=setting.rate, seconds=setting.seconds, look=lambda: None)
        settle()
        for name, _ in turns([IDLE, BUSY], repeat=setting.repeat, warm_up=False):
            with uploads(owner, files if name == BUSY else [], rows=rows) as company:
                taken = latencies(
                    address,
                    rate=setting.rate,
                    seconds=setting.seconds,
                    look=company.look,
                    lead=0.2 * setting.seconds,
                )
            p95 = percentile(taken, 95)
            say(f"  {name}: p95 {p95:.2f} ms, {len(company.jobs):,} uploads")
            figures[name].append(p95)
    idle, busy = (Measured(name, values, "ms") for name, values in figures.items())
    work = f"p95 of {work_of_pgbench(setting)} beside uploads of {rows:,} rows, all updated"
    return [Row("upload-calm", work, busy, idle, busy.median / idle.median, "×", None, at_most=True)]


class Company:
    """Uploads of these files in turns: the next one is ordered when the last one has ended."""

    def __init__(self, owner: User, files: Sequence[Path], *, rows: int) -> None:
        self.owner = owner
        self.rows = rows
        self.jobs: list[Job] = []
        self._files = cycle(files)
        self._is_idle = not files

    def look(self) -> None:
        """Order, if none runs. Raises WrongWorkError if the last one did not update all rows."""
        if self._is_idle or (self.jobs and not self.last_has_ended()):
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
def uploads(owner: User, files: Sequence[Path], *, rows: int) -> Iterator[Company]:
    """The uploads within the block; the last one has ended behind it."""
    company = Company(owner, files, rows=rows)
    yield company
    if company.jobs:
        wait_for(1, lambda: int(company.last_has_ended()), stalled_seconds=300)
        company.require_last()
