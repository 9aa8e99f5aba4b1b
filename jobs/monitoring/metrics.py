"""Prometheus metrics of jobs, read from PostgreSQL at each scrape, so that every web server reports the same values.

The cost does not depend on the number of jobs: counts end at `jobs.monitoring.overview.BOUND`, and counters are stored
(`jobs.models.statistics`). Requests and refusals are counted in the processes of each web server.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from django.db import DatabaseError, InterfaceError, connection, transaction
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from jobs.dispatch.refusals import show_refusals
from jobs.files.damage import damaged_files
from jobs.files.room import free_bytes
from jobs.kinds import get_kind, kind_names
from jobs.models import AttemptTotal, DecisionTotal
from jobs.models.statistics import DURATION_BOUNDS, ROWS_BOUNDS
from jobs.monitoring.overview import QueueFigures, queue_states, seconds_since_beat, sweep_states
from jobs.monitoring.snapshots import seconds_of_oldest_snapshot
from jobs.pacing.replica import has_replica, look_at_replica
from jobs.states import Outcome

#: How long one query of a scrape may take; Prometheus waits ten seconds for all of it. Milliseconds.
TIMEOUT_MILLISECONDS: Final = 4_000

#: Name, help text, and value for a queue. A value of None has no sample.
QUEUE_GAUGES: Final[tuple[tuple[str, str, Callable[[QueueFigures], float | None]], ...]] = (
    ("waiting_jobs", "Jobs that may start but wait for a free place, counted up to 10000.", lambda q: q.waiting),
    ("handed_out_jobs", "Jobs handed to Celery that no worker has claimed yet.", lambda q: q.handed_out),
    (
        "oldest_handed_out_seconds",
        "Seconds since the oldest was handed out or last re-sent; 0 if there is none.",
        lambda q: q.oldest_handed_out or 0,
    ),
    ("running_jobs", "Running jobs, including orphaned ones.", lambda q: q.running),
    ("orphaned_jobs", "Running jobs whose lease has expired because their worker is gone.", lambda q: q.orphaned),
    ("failed_jobs", "Failed jobs that wait for a retry, counted up to 10000.", lambda q: q.failed),
    ("dead_letters", "Dead jobs that need a person's decision, counted up to 10000.", lambda q: q.dead),
    (
        "oldest_wait_seconds",
        "Seconds that the oldest job that may start has waited; 0 if there is none.",
        lambda q: q.oldest_wait or 0,
    ),
    ("max_running", "The dial max_running; absent if there is no limit.", lambda q: q.max_running),
    ("max_queued", "The dial max_queued; absent if there is no limit.", lambda q: q.max_queued),
    ("paused", "1 if the queue is paused, else 0.", lambda q: q.paused),
    ("accepting", "1 if the queue accepts new jobs, else 0.", lambda q: q.accepting),
)

#: The rates that running attempts reported within the last five seconds.
PACED: Final = """
    SELECT job.queue, conditions ->> 'pace', count(*), sum((conditions ->> 'rowsPerSecond')::float),
        count(*) FILTER (WHERE jsonb_array_length(conditions -> 'slowedBy') > 0)
    FROM jobs_job AS job JOIN jobs_attempt ON job_id = job.id AND number = job.fencing_token
    WHERE job.state = 'running' AND job.finished_at IS NULL AND conditions ->> 'rowsPerSecond' IS NOT NULL GROUP BY 1, 2
"""


class JobCollector(Collector):
    """Metric families for a registry of prometheus_client."""

    def collect(self) -> Iterator[Metric]:
        """Query PostgreSQL. If it does not answer, report that and leave out its metrics."""
        began = time.monotonic()
        families: list[Metric] = []
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(TIMEOUT_MILLISECONDS)])
                for read in (_queues, _paced, _attempts, _decisions, _sweeps, _files, _snapshots):
                    families += read()
            up = True
        except (DatabaseError, InterfaceError):
            connection.close()
            families = []
            up = False
        yield _gauge("longhaul_database_up", "1 if PostgreSQL answered this scrape, else 0.", up)
        yield from families
        yield from _replica()
        yield _gauge("longhaul_storage_free_bytes", "Free bytes in the file storage, if it is a folder.", free_bytes())
        yield _gauge("longhaul_scrape_seconds", "Seconds that this scrape took.", time.monotonic() - began)


def _queues() -> Iterable[Metric]:
    queues = queue_states()
    show_refusals(queue.name for queue in queues)
    for name, help_, read in QUEUE_GAUGES:
        family = GaugeMetricFamily(f"longhaul_queue_{name}", help_, labels=["queue"])
        for queue in queues:
            if (value := read(queue)) is not None:
                family.add_metric([queue.name], float(value))
        yield family


def _paced() -> Iterable[Metric]:
    jobs = GaugeMetricFamily("longhaul_paced_jobs", "Running jobs with a limited rate.", labels=["queue", "pace"])
    rate = GaugeMetricFamily(
        "longhaul_paced_rows_per_second", "Sum of the rate limits of paced jobs.", labels=["queue", "pace"]
    )
    slowed = GaugeMetricFamily(
        "longhaul_slowed_jobs", "Paced jobs that are slowed down because of load.", labels=["queue", "pace"]
    )
    with connection.cursor() as cursor:
        cursor.execute(PACED)
        for queue, pace, count, rows_per_second, slowed_count in cursor.fetchall():
            jobs.add_metric([queue, pace], count)
            rate.add_metric([queue, pace], rows_per_second)
            slowed.add_metric([queue, pace], slowed_count)
    return jobs, rate, slowed


def _attempts() -> Iterable[Metric]:
    """Counters of all outcomes of each type, and histograms of the successful attempts."""
    labels = ["queue", "kind", "type"]
    ended = CounterMetricFamily("longhaul_attempts", "Attempts that ended.", labels=[*labels, "outcome"])
    seconds = HistogramMetricFamily(
        "longhaul_attempt_duration_seconds", "Duration of successful attempts in seconds.", labels=labels
    )
    rows = HistogramMetricFamily("longhaul_attempt_rows", "Rows of successful attempts.", labels=labels)
    by_type: dict[tuple[str, str, str], list[AttemptTotal]] = {key: [] for key in known_types()}
    for total in AttemptTotal.objects.all():
        by_type.setdefault((total.queue, total.kind, total.type), []).append(total)
    for key, totals in sorted(by_type.items()):
        for outcome in Outcome.values:
            ended.add_metric([*key, outcome], sum(total.attempts for total in totals if total.outcome == outcome))
        good = [total for total in totals if total.outcome == Outcome.SUCCEEDED]
        seconds.add_metric(
            key,
            _cumulated(DURATION_BOUNDS, ((total.duration_bucket, total.attempts) for total in good)),
            sum_value=sum(total.seconds for total in good),
        )
        rows.add_metric(
            key,
            _cumulated(ROWS_BOUNDS, ((total.rows_bucket, total.attempts) for total in good)),
            sum_value=float(sum(total.rows for total in good)),
        )
    return ended, seconds, rows


def known_types() -> Iterator[tuple[str, str, str]]:
    """Queue, kind and type of all that can be ordered: a counter that starts at zero shows its first increase.

    A type ordered into a queue other than its kind's appears there once an attempt has ended.
    """
    for name in kind_names():
        kind = get_kind(name)
        types = kind.inspector.types() if kind.inspector.types_are_counted else ()
        for type_ in types or ("",):
            yield kind.queue, name, type_


def _cumulated(bounds: tuple[float, ...], counts: Iterable[tuple[int, int]]) -> list[tuple[str, float]]:
    """Buckets in Prometheus's cumulative form: each counts everything up to its bound."""
    found: dict[int, int] = defaultdict(int)
    for bucket, attempts in counts:
        found[bucket] += attempts
    below = 0
    buckets = []
    for bucket, bound in enumerate((*bounds, float("inf"))):
        below += found[bucket]
        buckets.append((floatToGoString(bound), float(below)))
    return buckets


def _decisions() -> Iterable[Metric]:
    family = CounterMetricFamily(
        "longhaul_pacing_decisions",
        "Pacing decisions of ended attempts: faster, or slower with the reason.",
        labels=["queue", "kind", "type", "decision"],
    )
    for total in DecisionTotal.objects.order_by("pk"):
        family.add_metric([total.queue, total.kind, total.type, total.decision], total.times)
    return (family,)


def _sweeps() -> Iterable[Metric]:
    def gauge(name: str, help_: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"longhaul_sweep_{name}", help_, labels=["sweep"])

    age = gauge("age_seconds", "Seconds since the sweep last succeeded, or since the last upgrade if it never has.")
    period = gauge("period_seconds", "The sweep's interval in seconds.")
    failing = gauge("failing", "1 if the sweep's last run failed, else 0.")
    handled = CounterMetricFamily(
        "longhaul_sweep_handled",
        "Items handled by the sweep: jobs by rescue_orphaned_jobs, re-sent messages by republish_lost_jobs, …",
        labels=["sweep"],
    )
    for sweep in sweep_states():
        age.add_metric([sweep.name], sweep.age)
        period.add_metric([sweep.name], sweep.period)
        failing.add_metric([sweep.name], bool(sweep.error))
        handled.add_metric([sweep.name], sweep.handled_ever)
    yield from (age, period, failing, handled)
    yield _gauge("longhaul_beat_age_seconds", "Seconds since Beat last sent a message.", seconds_since_beat())


def _files() -> Iterable[Metric]:
    help_ = "Files that a download found to be missing from storage or of the wrong size."
    return (_gauge("longhaul_damaged_files", help_, damaged_files().count()),)


def _snapshots() -> Iterable[Metric]:
    help_ = "Seconds since the oldest transaction began that keeps old versions of rows; 0 if there is none."
    return (_gauge("longhaul_oldest_snapshot_seconds", help_, seconds_of_oldest_snapshot()),)


def _replica() -> Iterable[Metric]:
    """Uses a connection of its own, with the same timeout as reports."""
    state = look_at_replica() if has_replica() else None
    up, lag = (None, None) if state is None else (state.lag is not None, state.lag)
    yield _gauge("longhaul_replica_up", "1 if the replica can be read, else 0.", up)
    yield _gauge("longhaul_replica_lag_seconds", "Seconds by which the replica is behind.", lag)


def _gauge(name: str, help_: str, value: float | None) -> GaugeMetricFamily:
    """A gauge without labels. An unknown value has no sample."""
    return GaugeMetricFamily(name, help_, value=value)
