"""Reports over HTTP: what differs from the resource of any other kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from jobs.api.resources.bodies import Ordered
from jobs.api.resources.resource import JobResource
from jobs.dispatch.idempotency import Idempotency
from jobs.http.schema import response_header
from jobs.models import Job
from jobs.types.ordering import Placed
from reports.api.examples import OF_A_STATUS, OF_AN_ORDER
from reports.ordering import ReportOrderSerializer, place_order, shown_parameters
from reports.retrying import retry_report
from reports.types import REPORT_TYPES

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class OrderedReport(Ordered):
    """What was ordered."""

    csv = serializers.DictField()


class ReportResource(JobResource):
    """`/api/reports` and `/api/report-types`."""

    types = REPORT_TYPES
    Order = ReportOrderSerializer
    Ordered = OrderedReport
    unknown_type = (400, "unknown-report-type")
    failed = (409, "report-failed")
    content_types = ("text/csv", "application/gzip")
    order_headers = (response_header("Report-Reused", "`true`: an equal report is given, as `reuse` asks.", of=[202]),)
    order_examples = OF_AN_ORDER
    status_examples = OF_A_STATUS

    def place(self, *, owner: AbstractBaseUser, data: Any, idempotency: Idempotency | None = None) -> Placed:
        """Order a report, or find the one that was ordered before."""
        return place_order(owner=owner, data=data, idempotency=idempotency)

    def retry(self, job: Job, *, owner: AbstractBaseUser) -> None:
        """As it was ordered, if it could still be ordered."""
        retry_report(job, owner=owner)

    def ordered(self, job: Job) -> dict[str, Any]:
        """Parameters and file format."""
        return {"parameters": shown_parameters(job.payload), "csv": job.payload["csv"]}


REPORTS = ReportResource()
