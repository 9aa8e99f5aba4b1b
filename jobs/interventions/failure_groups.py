"""Failure groups: dead and failed jobs, grouped by the fingerprint of their error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Max, Min, Q, TextField
from django.db.models.functions import Cast, Now, TruncHour
from django.utils import timezone

from jobs.models import Attempt, Job
from jobs.payloads.masked import secrets_of
from jobs.payloads.redaction import redact
from jobs.states import UNFINISHED, State

#: Maximum number of groups that are shown.
MOST_GROUPS: Final = 50
#: Length of the trend, which has one step per hour.
TREND_HOURS: Final = 24


@dataclass(frozen=True)
class FailureGroup:
    """Jobs with the same failure. `trend` counts their failed attempts in each of the last 24 hours, oldest first."""

    fingerprint: str
    kind: str
    error_class: str
    dead: int
    failed: int
    first_at: datetime
    last_at: datetime
    example: Job
    message: str
    trend: Sequence[int] = field(default_factory=lambda: [0] * TREND_HOURS)


def failure_groups() -> list[FailureGroup]:
    """The failure groups, largest first. Always three queries, however many jobs and groups there are."""
    rows = list(
        Job.objects.filter(state__in=UNFINISHED)
        .values("error_fingerprint")
        .annotate(
            dead=Count("pk", filter=Q(state=State.DEAD)),
            failed=Count("pk", filter=Q(state=State.FAILED)),
            first_at=Min("updated_at"),
            last_at=Max("updated_at"),
            example=Max(Cast("pk", TextField())),  # PostgreSQL has no max() of UUIDs
            jobs=Count("pk"),
        )
        .order_by("-jobs", "error_fingerprint")[:MOST_GROUPS]
    )
    wanted = Job.objects.only("kind", "type", "payload", "error_class", "error_message")
    examples = {str(pk): job for pk, job in wanted.in_bulk([row["example"] for row in rows]).items()}
    trends = _trends([row["error_fingerprint"] for row in rows])
    return [_group(row, examples[row["example"]], trends) for row in rows if row["example"] in examples]


def _group(row: Mapping[str, Any], example: Job, trends: dict[str, list[int]]) -> FailureGroup:
    fingerprint = row["error_fingerprint"]
    return FailureGroup(
        fingerprint=fingerprint,
        kind=f"{example.kind} {example.type}".strip(),
        error_class=example.error_class,
        dead=row["dead"],
        failed=row["failed"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        example=example,
        message=redact(example.error_message, secrets_of(example)),
        trend=trends.get(fingerprint, [0] * TREND_HOURS),
    )


def _trends(fingerprints: list[str]) -> dict[str, list[int]]:
    this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    rows = (
        Attempt.objects.filter(error_fingerprint__in=[name for name in fingerprints if name])
        .filter(finished_at__gte=Now() - timedelta(hours=TREND_HOURS))
        .annotate(hour=TruncHour("finished_at"))
        .values_list("error_fingerprint", "hour")
        .annotate(attempts=Count("pk"))
        .order_by()
    )
    trends: dict[str, list[int]] = {}
    for fingerprint, hour, attempts in rows:
        ago = round((this_hour - hour).total_seconds() / 3600)
        if 0 <= ago < TREND_HOURS:
            trends.setdefault(fingerprint, [0] * TREND_HOURS)[TREND_HOURS - 1 - ago] = attempts
    return trends
