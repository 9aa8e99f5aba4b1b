"""A day's work of a queue, replayed: jobs that come, wait, run and end in the real tables, by a simulated clock.

What is random is how long a run takes, how its rows come, and when jobs are ordered. All else is the code of Longhaul:
who is handed out next, what the tables hold, what is estimated. A replay takes the same course each time.
"""

import heapq
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate, count

from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from jobs.context import JobContext
from jobs.dispatch.fairness import hand_out
from jobs.dispatch.submission import submit_job
from jobs.maintenance.activity import count_attempts
from jobs.models import Attempt, Job
from jobs.worker.beating import beat
from jobs.worker.heartbeat import Heartbeat
from jobs.worker.row_rate import RowRate
from jobs.worker.transitions import claim_job, finish_job
from tests.support.simulated_time import set_time

#: Seconds between two runs of the sweep, twice as long as they are seeded.
SWEEP_SECONDS = 30

#: Is told the order, its job as it is, and the time.
Ask = Callable[["Order", Job, float], None]


@dataclass(frozen=True)
class Sort:
    """A type of jobs. Times in seconds; `spread` is the coefficient of variation of how long a run takes."""

    name: str
    share: float
    mean: float
    spread: float = 0.3
    before_rows: float = 0.05  # share of the time that passes before the first row
    rate: float = 1000.0  # rows/s, on average; 0: it tells of no rows
    expectation_off: float = 0.0  # rows expected may be off by so large a share, either way
    uneven: float = 0.3  # spread of the rate within a run


@dataclass(frozen=True)
class Run:
    """How one run goes: so many rows, the first at `first`; from there on evenly from mark to mark."""

    sort: Sort
    seconds: float
    first: float
    marks: list[float]  # rows at the ends of ten equal spans
    expected: int | None

    @property
    def rows(self) -> int:
        return round(self.marks[-1]) if self.marks else 0

    def rows_at(self, elapsed: float) -> int:
        """How many have come after so long."""
        if elapsed <= self.first or not self.marks:
            return 0
        span, share = divmod((elapsed - self.first) / (self.seconds - self.first) * len(self.marks), 1)
        if span >= len(self.marks):
            return self.rows
        before = self.marks[int(span) - 1] if span else 0.0
        return round(before + share * (self.marks[int(span)] - before))


@dataclass
class Order:
    """A job of the replay: when it is ordered, and when, in seconds of the replay, it began and ended."""

    at: float
    owner: int
    run: Run
    began: float = math.nan
    ended: float = math.nan


def log_normal(dice: random.Random, mean: float, spread: float) -> float:
    variance = math.log(1 + spread**2)
    return mean * dice.lognormvariate(-variance / 2, math.sqrt(variance))


def draw_run(dice: random.Random, sort: Sort) -> Run:
    """Two thirds of the variance is that of the number of rows, one third that of the server's speed."""
    size, slowness = (
        log_normal(dice, 1, sort.spread * math.sqrt(2 / 3)),
        log_normal(dice, 1, sort.spread / math.sqrt(3)),
    )
    seconds = max(2.0, sort.mean * size * slowness)
    first = seconds * sort.before_rows * dice.uniform(0.6, 1.4)
    speeds = [log_normal(dice, 1, sort.uneven) for _ in range(10)]
    rows = sort.rate * sort.mean * size
    marks = [rows * sofar / sum(speeds) for sofar in accumulate(speeds)] if rows else []
    off = dice.uniform(1 - sort.expectation_off, 1 + sort.expectation_off)
    return Run(sort, seconds, first, marks, round(rows * off) if rows else None)


def draw_orders(dice: random.Random, sorts: list[Sort], *, jobs: int, owners: int, gap: float) -> list[Order]:
    """One in three arrivals is a burst of an owner's, of up to 16 jobs; `gap` is the mean time between two jobs."""
    orders: list[Order] = []
    now = 0.0
    while len(orders) < jobs:
        burst = dice.randint(4, 16) if dice.random() < 1 / 3 else 1
        now += dice.expovariate(1 / (gap * burst))
        owner = dice.randrange(owners)
        for _ in range(burst):
            [sort] = dice.choices(sorts, [sort.share for sort in sorts])
            orders.append(Order(now, owner, draw_run(dice, sort)))
    return orders[:jobs]


@dataclass
class Replay:
    """The course of the orders through the queue `reports`, which has as many places as there are workers."""

    orders: list[Order]
    owners: list[User]
    kind: str
    places: int
    began_at: datetime = field(default_factory=lambda: timezone.now() - timedelta(days=1))

    def go(self, questions: Sequence[tuple[float, Order]] = (), ask: Ask = lambda order, job, at: None) -> None:
        """From the first order to the last end; `ask` about the job of an order at each time in question.

        Where nobody asks, nothing is counted.
        """
        self._now = 0.0
        self._jobs: dict[int, Job] = {}
        self._running: dict[int, tuple[Attempt, RowRate]] = {}
        self._number_of = {id(order): number for number, order in enumerate(self.orders)}
        self._position = ""
        self._count = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        for order in self.orders:
            self._plan(order.at, partial(self._order, order))
        for at, order in questions:
            self._plan(at, partial(self._ask, ask, order))
        if questions:
            self._plan(0.0, self._sweep)
        while self._events:
            self._now, _, happen = heapq.heappop(self._events)
            self._set_time(self._now)
            happen()

    def _plan(self, at: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at, next(self._count), happen))

    def _set_time(self, at: float) -> None:
        set_time(self.began_at + timedelta(seconds=at))

    def _sweep(self) -> None:
        _, self._position = count_attempts(self._position)
        if self._events:
            self._plan(self._now + SWEEP_SECONDS, self._sweep)

    def _order(self, order: Order) -> None:
        job = submit_job(kind=self.kind, owner=self.owners[order.owner], payload={"type": order.run.sort.name})
        Job.objects.filter(pk=job.pk).update(created_at=Now())
        self._jobs[self._number_of[id(order)]] = job
        self._hand_out()

    def _hand_out(self) -> None:
        numbers = {job.pk: number for number, job in self._jobs.items()}
        for job_id in hand_out("reports", at_most=self.places):
            attempt = claim_job(job_id, worker="w", celery_task_id="", lease_seconds=60)
            assert attempt is not None
            number = numbers[job_id]
            order = self.orders[number]
            order.began, order.ended = self._now, self._now + order.run.seconds
            self._running[number] = attempt, RowRate()
            self._plan(order.ended, partial(self._end, number))

    def _ask(self, ask: Ask, order: Order) -> None:
        number = self._number_of[id(order)]
        self._tell([number] if number in self._running else self._running)
        ask(order, Job.objects.get(pk=self._jobs[number].pk), self._now)

    def _end(self, number: int) -> None:
        self._tell([number])
        attempt, _ = self._running.pop(number)
        finish_job(attempt, result=None, artifacts=[], rows=self.orders[number].run.rows, peak_memory_bytes=0)
        self._hand_out()

    def _tell(self, numbers: Iterable[int]) -> None:
        """As the heartbeats of these have done, once a second, half a second ago for the last time."""
        self._set_time(self._now - 0.5)
        for number in numbers:
            order, (attempt, rate) = self.orders[number], self._running[number]
            run, elapsed = order.run, self._now - order.began - 0.5
            if elapsed < 1 or not run.marks:
                continue
            for second in range(math.ceil(run.first), math.ceil(elapsed)):
                rate.see(run.rows_at(second), at=second, began_at=run.first)
            if elapsed > run.first:
                rate.see(run.rows_at(elapsed), at=elapsed, began_at=run.first)
            context = JobContext(attempt, lease_seconds=60)
            context.report_progress(run.rows_at(elapsed), total=run.expected)
            context.rows_began_at = None  # the rate is by the clock of the replay
            beat([Heartbeat(context, None, rate=rate)], database=connection)
        self._set_time(self._now)
