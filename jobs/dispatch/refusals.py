"""Refused orders, counted in the process that refused them: a full queue is no time to write more rows.

Every few seconds, each process adds its counts to a table, so that the dashboard shows those of all web servers.
"""

from __future__ import annotations

import threading
import time
from collections import Counter as Counts
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import structlog
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Sum
from django.db.models.functions import Now
from prometheus_client import Counter

from jobs.errors import AdmissionError
from jobs.models import Refusal

logger = structlog.get_logger(__name__)

CLOSED, QUEUE_FULL, TYPE_FULL, OWNER_QUEUE_FULL = REASONS = ("closed", "queue-full", "type-full", "owner-queue-full")
#: The scope of a limit → the reason.
FULL: Final = {"queue": QUEUE_FULL, "type": TYPE_FULL, "owner": OWNER_QUEUE_FULL}

REFUSED: Final = Counter(
    "longhaul_admissions_refused",
    "Orders refused since this web server started, by reason.",
    ["queue", "reason"],
)

#: The shortest time between two writes of a process. Seconds.
WRITE_SECONDS: Final = 5.0
#: How long the counts of a minute are kept.
KEPT: Final = timedelta(days=1)


class _Unwritten:
    """The refusals of this process that the table does not have yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counts[tuple[str, str]] = Counts()
        self._written_at = float("-inf")

    def add(self, queue: str, reason: str) -> None:
        with self._lock:
            self._counts[queue, reason] += 1

    def put_back(self, counts: Counts[tuple[str, str]]) -> None:
        with self._lock:
            self._counts += counts

    def take(self) -> Counts[tuple[str, str]]:
        """All counts if it is time to write, else none."""
        with self._lock:
            now = time.monotonic()
            if not self._counts or now - self._written_at < WRITE_SECONDS:
                return Counts()
            taken, self._counts, self._written_at = self._counts, Counts(), now
            return taken


_unwritten = _Unwritten()


def count_refusal(refusal: AdmissionError) -> None:
    """Count one refused order."""
    reason = CLOSED if refusal.limit is None else FULL[refusal.scope]
    REFUSED.labels(refusal.queue, reason).inc()
    _unwritten.add(refusal.queue, reason)


def write_refusals() -> None:
    """Add this process's refusals to the table, at most every few seconds. Call this outside of any transaction.

    The newest may be missing until the next refusal. If PostgreSQL does not take them, they are kept for later.
    """
    counts = _unwritten.take()
    if not counts:
        return
    try:
        Refusal.objects.filter(minute__lt=Now() - KEPT).delete()
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO jobs_refusal AS known (minute, queue, reason, orders)"
                " VALUES (date_trunc('minute', statement_timestamp()), %s, %s, %s)"
                " ON CONFLICT (minute, queue, reason) DO UPDATE SET orders = known.orders + EXCLUDED.orders",
                [(queue, reason, orders) for (queue, reason), orders in sorted(counts.items())],
            )
    except (DatabaseError, InterfaceError) as error:
        logger.warning("refusals_not_written", error=repr(error))
        _unwritten.put_back(counts)


def refused_within_the_hour() -> dict[str, int]:
    """Queue → number of orders refused in the last hour; queues without any are left out. One query."""
    recent = Refusal.objects.filter(minute__gte=Now() - timedelta(hours=1))
    return dict(recent.order_by("queue").values_list("queue").annotate(Sum("orders")))


def show_refusals(queues: Iterable[str]) -> None:
    """Create the counters of these queues at zero: Prometheus sees no increase in one that appears with a value.

    https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
    """
    for queue in queues:
        for reason in REASONS:
            REFUSED.labels(queue, reason)
