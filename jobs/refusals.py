"""Orders that were refused, counted by the process that refused them: a full queue is no time to write more rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter

from jobs.errors import AdmissionError

CLOSED, QUEUE_FULL, TYPE_FULL, OWNER_QUEUE_FULL = REASONS = ("closed", "queue-full", "type-full", "owner-queue-full")

REFUSED: Final = Counter(
    "longhaul_admissions_refused",
    "Orders refused since this web server started, by what was in the way.",
    ["queue", "reason"],
)


def count_refusal(refusal: AdmissionError, *, queue: str) -> None:
    """One more."""
    if refusal.is_owners:
        reason = OWNER_QUEUE_FULL
    elif refusal.limit is None:
        reason = CLOSED
    else:
        reason = TYPE_FULL if refusal.of_type else QUEUE_FULL
    REFUSED.labels(queue, reason).inc()


def show_refusals(queues: Iterable[str]) -> None:
    """Let the counters of these queues be there, at zero: Prometheus sees no increase in one that appears with a value.

    https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
    """
    for queue in queues:
        for reason in REASONS:
            REFUSED.labels(queue, reason)
