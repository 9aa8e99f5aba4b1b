"""The report types that a user may order: thin views."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.http.problems import ProblemError
from jobs.http.views import ApiView
from reports.api.bodies import ReportTypeBody, ReportTypeListBody, report_type_body
from reports.registry import UnknownReportTypeError, get_report_type, report_types_for


class ReportTypeListView(ApiView):
    """`/api/report-types`"""

    scopes = {"GET": "reports:read"}

    @extend_schema(operation_id="listReportTypes", responses={200: ReportTypeListBody})
    def get(self, request: Request) -> Response:
        """What I may order."""
        return Response({"results": [report_type_body(known) for known in report_types_for(request.user)]})


class ReportTypeView(ApiView):
    """`/api/report-types/{identifier}`"""

    scopes = {"GET": "reports:read"}

    @extend_schema(operation_id="getReportType", responses={200: ReportTypeBody})
    def get(self, request: Request, identifier: str) -> Response:
        """One report type."""
        try:
            return Response(report_type_body(get_report_type(identifier, request.user)))
        except UnknownReportTypeError:
            raise ProblemError(404, "not-found", "There is no such resource.") from None
