"""Reports over HTTP: the differences from the resources of other kinds."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from jobs.api.resources.bodies import Ordered
from jobs.api.resources.resource import JobResource
from jobs.models import Job
from reports.api.examples import OF_A_STATUS, OF_AN_ORDER
from reports.ordering import ORDERING


class OrderedReport(Ordered):
    """The order, as the status shows it."""

    csv = serializers.DictField()


class ReportResource(JobResource):
    """`/api/reports` and `/api/report-types`."""

    ordering = ORDERING
    Ordered = OrderedReport
    unknown_type = (400, "unknown-report-type")
    failed = (409, "report-failed")
    content_types = ("text/csv", "application/gzip")
    order_examples = OF_AN_ORDER
    status_examples = OF_A_STATUS

    def ordered(self, job: Job) -> dict[str, Any]:
        """Parameters and file format."""
        return {**super().ordered(job), "csv": job.payload["csv"]}


REPORTS = ReportResource()
