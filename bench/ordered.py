"""Reports that a worker runs while something else is measured, and whether they ran all the while."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User

from bench.counting import STALLED_SECONDS, wait_for
from bench.measuring import WrongWorkError
from config.stack.stopping import say
from examples.sales.models import OrderLine
from examples.sales.seeding import seed_sales
from jobs.interventions.cancellation import cancel_jobs
from jobs.models import Job, Queue
from jobs.postgres.statements import fetch_all
from jobs.states import State
from reports.ordering import place_order

QUEUE: Final = "reports"
#: A report whose rows do not become more for so long does not run. Seconds.
STANDSTILL_SECONDS: Final = 2.0

#: The rows that the server has sent, which it knows at any time; the job is told once a second.
#: https://www.postgresql.org/docs/current/progress-reporting.html#COPY-PROGRESS-REPORTING
SEEN: Final = """
    SELECT job.id, CASE WHEN job.state = 'queued' AND released_at IS NULL THEN 'waiting' ELSE job.state END AS state,
        coalesce(tuples_processed, 0) AS rows
    FROM jobs_job AS job
    LEFT JOIN pg_stat_activity AS session ON application_name = 'longhaul ' || job.id
    LEFT JOIN pg_stat_progress_copy AS copy ON copy.pid = session.pid
    WHERE job.id = ANY(%(ids)s)
"""


class Watch:
    """What is seen of some reports, from look to look: so many of them run, the others wait."""

    def __init__(self, ids: Sequence[UUID], *, running: int) -> None:
        self.ids = list(ids)
        self.running = running
        self._rows: dict[UUID, int] = {}
        self._grown_at: dict[UUID, float] = {}
        self._first: tuple[float, int] | None = None
        self._last = (0.0, 0)

    def look(self) -> None:
        """Raises WrongWorkError when one runs too many or too few, or one that runs gets no further."""
        seen, now = fetch_all(SEEN, ids=self.ids), time.monotonic()
        states = Counter(row["state"] for row in seen)
        if states != Counter(running=self.running, waiting=len(self.ids) - self.running):
            raise WrongWorkError(
                f"of {len(self.ids)} reports {self.running} should run and the others wait, but they are: "
                f"{dict(states)}; if one has ended, it needs more --rows, or fewer --seconds"
            )
        for row in seen:
            if row["rows"] > self._rows.get(row["id"], -1):
                self._grown_at[row["id"]] = now
            elif row["state"] == State.RUNNING and now - self._grown_at[row["id"]] > STANDSTILL_SECONDS:
                raise WrongWorkError(f"a report stands still at {row['rows']:,} rows")
            self._rows[row["id"]] = row["rows"]
        self._last = now, sum(self._rows.values())
        self._first = self._first or self._last

    def rows_per_second(self) -> float:
        """Of all together, from the first look to the last. Raises WrongWorkError when they got no further."""
        if not self.running:
            return 0.0
        (began, before), (ended, after) = self._first or self._last, self._last
        if after <= before:
            raise WrongWorkError(f"{self.running} reports got no further than {after:,} rows")
        return (after - before) / (ended - began)


@contextmanager
def reports(owner: User, *, ordered: int, max_running: int, **dials: Any) -> Iterator[Watch]:
    """Within the block so many reports run, of so many ordered, as the dials of their queue say; then none is left.

    Raises WrongWorkError when they do not begin, or do not end when they are cancelled.
    """
    queue = Queue.objects.filter(name=QUEUE)
    changed = {"max_running": max_running, **dials}
    before = queue.values(*changed).get()
    queue.update(**changed)
    ids: list[UUID] = []
    try:
        for _ in range(ordered):
            ids.append(place_order(owner=owner, data={"reportType": "order-lines", "parameters": {}}).job.pk)  # noqa: PERF401
        running = min(ordered, max_running)
        began = wait_for(
            running, lambda: sum(row["rows"] > 0 for row in fetch_all(SEEN, ids=ids)), stalled_seconds=STALLED_SECONDS
        )
        if began != running:
            raise WrongWorkError(f"{began} reports began where {running} should")
        yield Watch(ids, running=running)
    finally:
        cancel(ids, actor=owner.username)
        queue.update(**before)


def cancel(ids: Sequence[UUID], *, actor: str) -> None:
    """Cancel those that have not ended, and wait for them. Raises WrongWorkError when one does not end."""
    cancel_jobs(ids, actor=actor)
    ended = Job.objects.filter(pk__in=ids, state__in=(State.SUCCEEDED, State.CANCELLED))
    if (count := wait_for(len(ids), ended.count, stalled_seconds=STALLED_SECONDS)) != len(ids):
        raise WrongWorkError(f"of {len(ids)} reports only {count} ended when they were cancelled")


def seed_lines(lines: int) -> None:
    """So many order lines, if there are not just as many already."""
    if OrderLine.objects.count() != lines:
        say(f"  seeding {lines:,} order lines")
        for step in seed_sales(lines=lines, using="default"):
            say(f"  {step.table}: {step.rows:,} rows")
