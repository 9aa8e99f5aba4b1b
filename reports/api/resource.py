"""Reports over HTTP: the differences from the resources of other kinds."""

from __future__ import annotations

from typing import Any, cast

from rest_framework import serializers

from jobs.api.resources.bodies import Ordered, TypeBody
from jobs.api.resources.resource import JobResource
from jobs.models import Job
from jobs.types.base import JobType
from reports.api.examples import OF_A_STATUS, OF_AN_ORDER
from reports.ordering import ORDERING
from reports.types import ReportType


class OrderedReport(Ordered):
    """The order, as the status shows it."""

    csv = serializers.DictField()
    columns = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="the chosen columns; omitted if the order chose none"
    )


class ReportTypeBody(TypeBody):
    """Adds the columns."""

    columns = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="the headings that an order can choose, if known"
    )


class ReportResource(JobResource):
    """`/api/reports` and `/api/report-types`."""

    ordering = ORDERING
    Ordered = OrderedReport
    TypeBase = ReportTypeBody
    unknown_type = (400, "unknown-report-type")
    failed = (409, "report-failed")
    content_types = ("text/csv", "application/gzip")
    order_examples = OF_AN_ORDER
    status_examples = OF_A_STATUS

    def ordered(self, job: Job) -> dict[str, Any]:
        """Parameters, file format and chosen columns."""
        own = {name: job.payload[name] for name in ("csv", "columns") if name in job.payload}
        return {**super().ordered(job), **own}

    def type_body(self, one: JobType) -> dict[str, Any]:
        """A type, with its columns if they are known without its query."""
        known = cast("ReportType", one).known_headings
        return {**super().type_body(one), **({"columns": known} if known else {})}


REPORTS = ReportResource()
