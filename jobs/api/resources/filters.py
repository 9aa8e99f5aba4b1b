"""Filters of a list of jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.http.pagination import PAGES
from jobs.http.strict import StrictSerializer, read_query
from jobs.models.ids import first_id_at
from jobs.models.querysets import JobQuerySet
from jobs.status import STATUS_WORDS, in_status

#: The time in an id is from the clock of a web server, `created_at` from PostgreSQL's.
MOST_BETWEEN_CLOCKS = timedelta(hours=1)


@extend_schema_field(
    {"type": "array", "items": {"type": "string", "enum": list(STATUS_WORDS)}, "maxItems": len(STATUS_WORDS)}
)
class StatusField(serializers.MultipleChoiceField):
    """Any number of values of `status`."""

    def to_internal_value(self, data: Any) -> Any:
        """The values as a set. Raises ValidationError for more values than exist."""
        if len(data) > len(STATUS_WORDS):
            raise serializers.ValidationError(f"Name at most {len(STATUS_WORDS)} values.")
        return super().to_internal_value(data)


class ListQuery(StrictSerializer):
    """The query string of a list, without the parameters of paging and the type."""

    status = StatusField(required=False, choices=STATUS_WORDS, help_text="only with this status; may be repeated")
    createdAfter = serializers.DateTimeField(required=False, help_text="ordered at this time or later")
    createdBefore = serializers.DateTimeField(required=False, help_text="ordered before this time")


@cache
def list_query(kind: str) -> type[ListQuery]:
    """The query string of a kind's list, with its type: `GET /api/reports` has `reportType`."""
    of_type = serializers.CharField(required=False, max_length=100, trim_whitespace=False, help_text="only this type")
    return type("ListQuery", (ListQuery,), {f"{kind}Type": of_type})


def filter_jobs(jobs: JobQuerySet, query: QueryDict, *, kind: str) -> JobQuerySet:
    """The jobs of a kind that a query string selects. Raises DRF's ValidationError, with parameters as keys."""
    sent = read_query(query, repeatable=["status"])
    asked = list_query(kind)(data={name: sent[name] for name in sent.keys() - {page.name for page in PAGES}})
    asked.is_valid(raise_exception=True)
    wanted: dict[str, Any] = asked.validated_data
    if f"{kind}Type" in wanted:
        jobs = jobs.filter(type=wanted[f"{kind}Type"])
    if words := wanted.get("status"):
        jobs = jobs.filter(in_status(words))
    return ordered_between(jobs, after=wanted.get("createdAfter"), before=wanted.get("createdBefore"))


def ordered_between(jobs: JobQuerySet, *, after: datetime | None, before: datetime | None) -> JobQuerySet:
    """The jobs ordered at `after` or later, and before `before`. None: no limit. The primary key bounds the search."""
    if after is not None:
        jobs = jobs.filter(created_at__gte=after, pk__gte=first_id_at(_moved(after, -MOST_BETWEEN_CLOCKS)))
    if before is not None:
        jobs = jobs.filter(created_at__lt=before, pk__lt=first_id_at(_moved(before, MOST_BETWEEN_CLOCKS)))
    return jobs


def _moved(moment: datetime, by: timedelta) -> datetime:
    """`moment` shifted, and limited to the times that an id can hold (RFC 9562 section 5.7: from 1970 on)."""
    first, last = datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
    return min(max(moment, first), last) + by
