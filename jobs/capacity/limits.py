"""What breaks first: for each resource, the arrivals that use it up, given as many workers as these need.

Pure: `jobs.capacity.resources` reads what is available, and `jobs.capacity.history` what a job takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jobs.capacity.history import History
from jobs.capacity.queueing import Traffic, arrivals_within_target
from jobs.capacity.resources import Resources, Sessions
from jobs.durations import in_words

#: Attempts per second of jobs that do nothing, on 2 cores (docs/benchmarks.md, row throughput: 367.2, between 310 and
#: 464). A worker that ends one job and hands out the next locks the queue's row until the commit is on disk.
HANDED_OUT_PER_SECOND: Final = 350.0
MIB: Final = 1024**2
GIB: Final = 1024**3


@dataclass(frozen=True)
class Demand:
    """The load that is asked about: traffic of attempts, of which `percentile` % must start within `target_wait` s."""

    traffic: Traffic
    attempts_per_job: float
    target_wait: float
    percentile: float

    @property
    def arrivals_per_minute(self) -> float:
        """Jobs per minute."""
        return self.per_minute(self.traffic.arrivals_per_second)

    def per_minute(self, attempts_per_second: float) -> float:
        """The jobs per minute that make this many attempts per second."""
        return 60 * attempts_per_second / self.attempts_per_job

    def borne_by(self, workers: int) -> float:
        """The most arrivals per minute with which this many workers meet the target."""
        target = {"target_wait": self.target_wait, "percentile": self.percentile}
        return self.per_minute(arrivals_within_target(self.traffic, workers, **target))


@dataclass(frozen=True)
class Limit:
    """The arrivals per minute that use up a resource: infinite if it has no limit, None if unknown.

    `reckoning` explains the number. `breaks` is False if nothing is certain to fail beyond it.
    """

    resource: str
    arrivals_per_minute: float | None
    reckoning: str
    remedy: str = ""
    breaks: bool = True


def limits_of(demand: Demand, resources: Resources, history: History | None) -> list[Limit]:
    """The limits of all resources, lowest first, unknown ones last."""
    found = [
        *_of_places(demand, resources),
        *_of_waiting(demand, resources),
        *(_of_sessions(demand, sessions) for sessions in resources.sessions),
        _of_memory(demand, resources, history),
        _of_storage(resources, history),
        *_of_rows(resources, history),
        Limit(
            "hand-out of the queue",
            demand.per_minute(HANDED_OUT_PER_SECOND),
            f"{HANDED_OUT_PER_SECOND:g} attempts/s under the lock of the queue's row, as measured on 2 cores",
            "spread the work over several queues, or make jobs larger",
        ),
    ]
    unknown = [limit for limit in found if limit.arrivals_per_minute is None]
    return sorted((limit for limit in found if limit not in unknown), key=_rate) + unknown


def first_to_break(limits: list[Limit]) -> Limit | None:
    """The lowest limit at which something breaks; None if none is known."""
    return next((limit for limit in limits if limit.breaks and _rate(limit) < math.inf), None)


def _rate(limit: Limit) -> float:
    return math.inf if limit.arrivals_per_minute is None else limit.arrivals_per_minute


def _of_places(demand: Demand, resources: Resources) -> Iterator[Limit]:
    if not resources.max_running:
        yield _no_limit("max_running")
    for dial, places in resources.max_running.items():
        reckoning = f"at most {places} workers have a job at once"
        yield Limit(f"{dial} = {places}", demand.borne_by(places), reckoning, f"raise the dial {dial}")


def _of_waiting(demand: Demand, resources: Resources) -> Iterator[Limit]:
    """A job that finds as many jobs waiting as arrive within the target waits for longer than the target.

    That is Little's law for distributions (R. Haji, G. F. Newell, "A relation between stationary queue and waiting time
    distributions", J. Appl. Prob. 8, 1971): a job leaves those behind in the queue that arrived while it waited.
    """

    def reached(most: int) -> float:
        return demand.per_minute(most / demand.target_wait) if demand.target_wait > 0 else math.inf

    reckoning = f"as many arrive within {demand.target_wait:g} s" if demand.target_wait > 0 else "no job may wait"
    if not resources.max_queued:
        yield _no_limit("max_queued")
    for dial, most in resources.max_queued.items():
        yield Limit(f"{dial} = {most}", reached(most), f"{reckoning}; more get 503", f"raise the dial {dial}")
    dial, limit = "max_queued_per_owner", resources.max_queued_per_owner
    if limit is None:
        yield _no_limit(dial)
        return
    reckoning += " if one owner orders all; more get 429"
    yield Limit(f"{dial} = {limit}", reached(limit), reckoning, f"raise the dial {dial}", breaks=False)


def _of_sessions(demand: Demand, sessions: Sessions) -> Limit:
    resource = f"sessions of PostgreSQL ({sessions.database})"
    if sessions.left is None:
        return Limit(resource, None, sessions.complaint)
    workers = max(0, sessions.left // sessions.per_worker)
    return Limit(
        resource,
        demand.borne_by(workers),
        f"{sessions.left} left for workers, {sessions.per_worker} for each busy one: {workers} workers",
        "raise max_connections",
    )


def _of_memory(demand: Demand, resources: Resources, history: History | None) -> Limit:
    if history is None or not history.peak_memory_bytes:
        return Limit("memory of this machine", None, "no attempt has recorded its memory")
    workers = resources.memory_bytes // history.peak_memory_bytes
    return Limit(
        "memory of this machine",
        demand.borne_by(workers),
        f"{resources.memory_bytes / GIB:,.1f} GiB, {resources.available_memory_bytes / GIB:,.1f} of it available now; "
        f"{history.peak_memory_bytes / MIB:,.0f} MiB for each worker: {workers} workers if nothing else runs",
        "run workers on more machines",
    )


def _of_storage(resources: Resources, history: History | None) -> Limit:
    """Files add up to arrivals × bytes × the time that they are kept (Little's law); past ones exist already."""
    if resources.free_bytes is None:
        return Limit("room for files", None, "object storage, or no file yet")
    if history is None or not history.stored_byte_seconds_per_job:
        return Limit("room for files", None, "no job has left a file")
    kept_minutes = history.stored_byte_seconds_per_job / history.stored_bytes_per_job / 60
    past_minutes = min(kept_minutes, history.observed_seconds / 60)
    there = history.arrivals_per_minute * past_minutes * history.stored_bytes_per_job
    return Limit(
        "room for files",
        (resources.free_bytes + there) / (kept_minutes * history.stored_bytes_per_job),
        f"{resources.free_bytes / GIB:,.1f} GiB free; each job leaves {history.stored_bytes_per_job / MIB:,.2f} MiB "
        f"for {in_words(60 * kept_minutes)}",
        "make room, shorten RETENTION_DAYS, or use object storage",
    )


def _of_rows(resources: Resources, history: History | None) -> Iterator[Limit]:
    if history is None or not history.rows_per_job:
        yield Limit("rows read per second", None, "no attempt has recorded its rows")
        return
    per_job = f"{history.rows_per_job:,.0f} rows for each job"
    if not (resources.rows_per_second and resources.max_running):
        yield _no_limit("rows_per_second × max_running")
    else:
        rows = resources.rows_per_second * min(resources.max_running.values())
        reckoning = f"{rows:,} rows/s with all places taken; {per_job}"
        yield Limit("rows_per_second × max_running", 60 * rows / history.rows_per_job, reckoning, "raise one of them")
    resource, highest = "most rows/s seen so far", history.highest_rows_per_second
    if not highest:
        yield Limit(resource, None, "no rows have been counted yet (jobs_activity)", breaks=False)
        return
    reckoning = f"{highest:,.0f} rows/s in the whole queue; {per_job}"
    yield Limit(resource, 60 * highest / history.rows_per_job, reckoning, "watch the database", breaks=False)


def _no_limit(dial: str) -> Limit:
    return Limit(dial, math.inf, "the dial is empty")
