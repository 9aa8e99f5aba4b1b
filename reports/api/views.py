"""Views of the report API: thin, over `reports.ordering` and `jobs.api`."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.download import artifact_response
from jobs.api.lookup import get_job
from jobs.api.pagination import NewestFirst
from jobs.api.polling import polled
from jobs.api.problems import ProblemError
from jobs.api.schema import PROBLEMS, Problem
from jobs.api.status import retry_after, status_word
from jobs.api.views import ApiView
from jobs.errors import ArtifactMissingError
from jobs.estimates import estimate_listed
from jobs.models import Job
from reports.api.bodies import (
    Report,
    ReportPage,
    ReportStatus,
    ReportTypeBody,
    ReportTypeListBody,
    report_body,
    report_type_body,
    status_body,
)
from reports.ordering import OrderSerializer, order_report
from reports.registry import UnknownReportTypeError, get_report_type, report_types_for

ORDER_PROBLEMS = {
    411: OpenApiResponse(Problem, "The body is chunked, without a Content-Length."),
    413: OpenApiResponse(Problem, "The body is too large."),
    415: OpenApiResponse(Problem, "Not JSON."),
    429: OpenApiResponse(Problem, "Too many of your jobs are waiting."),
    503: OpenApiResponse(Problem, "The queue is full or closed."),
}


class ReportListView(ApiView):
    """`/api/reports`"""

    scopes = {"GET": "reports:read", "POST": "reports:order"}

    @extend_schema(
        operation_id="orderReport",
        request=OrderSerializer,
        responses={202: ReportStatus, 400: PROBLEMS[400], 401: PROBLEMS[401], **ORDER_PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        """Order a report."""
        try:
            ordered = order_report(owner=request.user, data=request.data)  # type: ignore[arg-type]
        except UnknownReportTypeError as error:
            known = [report_type.identifier for report_type in report_types_for(request.user)]
            raise ProblemError(
                400,
                "unknown-report-type",
                f"There is no report type {error.args[0]}. Valid ones are: {', '.join(known)}.",
                errors=[{"pointer": "#/reportType", "detail": "There is no such report type."}],
                reportTypes=known,
            ) from None
        job = Job.objects.with_result().get(pk=ordered.pk)
        response = polled(job, status_body(job), status=202)
        response["Location"] = reverse("report-status", args=[job.pk])
        response["Operation-Location"] = request.build_absolute_uri(reverse("operation", args=[job.pk]))
        return response

    @extend_schema(
        operation_id="listReports",
        parameters=[
            OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous`."),
            OpenApiParameter("limit", OpenApiTypes.INT, description="Reports on a page: 50 unless told, 200 at most."),
        ],
        responses={200: ReportPage, 401: PROBLEMS[401], 404: OpenApiResponse(Problem, "The cursor is not valid.")},
    )
    def get(self, request: Request) -> Response:
        """My reports, newest first."""
        pages = NewestFirst()
        mine = Job.objects.owned_by(request.user).filter(kind="report").with_result()  # type: ignore[arg-type]
        page = pages.paginate_queryset(mine, request, view=self) or []
        estimate_listed(page)
        return pages.get_paginated_response([report_body(job, in_list=True) for job in page])


class ReportView(ApiView):
    """`/api/reports/{id}`"""

    scopes = {"GET": "reports:read"}

    @extend_schema(operation_id="getReport", responses={200: Report, 401: PROBLEMS[401], 404: PROBLEMS[404]})
    def get(self, request: Request, job_id: str) -> Response:
        """One report: its status, and what was ordered."""
        job = get_job(request, job_id, kind="report")
        return polled(job, report_body(job))


class ReportStatusView(ApiView):
    """`/api/reports/{id}/status`"""

    scopes = {"GET": "reports:read"}

    @extend_schema(
        operation_id="getReportStatus", responses={200: ReportStatus, 401: PROBLEMS[401], 404: PROBLEMS[404]}
    )
    def get(self, request: Request, job_id: str) -> Response:
        """How far it is. Ask again after `Retry-After` seconds, until that header is gone."""
        job = get_job(request, job_id, kind="report")
        return polled(job, status_body(job))


class ReportDownloadView(ApiView):
    """`/api/reports/{id}/download`"""

    scopes = {"GET": "reports:read"}

    @extend_schema(
        operation_id="downloadReport",
        responses={
            (200, "text/csv"): OpenApiTypes.BINARY,
            (206, "text/csv"): OpenApiTypes.BINARY,
            304: None,
            401: PROBLEMS[401],
            404: PROBLEMS[404],
            409: OpenApiResponse(Problem, "`not-ready` or `report-failed`."),
            410: OpenApiResponse(Problem, "`canceled` or `expired`."),
            412: None,
            416: None,
        },
    )
    def get(self, request: Request, job_id: str) -> HttpResponseBase:
        """The file. Ranges are served, so that a broken download can be resumed."""
        job = get_job(request, job_id, kind="report")
        artifact = job.result_artifact
        match status_word(job, artifact):
            case "Complete" if artifact is not None:
                try:
                    return artifact_response(request._request, artifact)
                except ArtifactMissingError:
                    raise ProblemError(410, "expired", "The file is gone from storage.") from None
            case "Failed":
                raise ProblemError(409, "report-failed", "The report failed; its status says why.")
            case "Canceled":
                raise ProblemError(410, "canceled", "The report was cancelled.")
            case "Expired":
                raise ProblemError(410, "expired", "The file was deleted when its time was over. Order it again.")
            case _:
                wait = retry_after(job, timezone.now())
                raise ProblemError(409, "not-ready", "The report is not complete yet.", retry_after=wait)


class ReportTypeListView(ApiView):
    """`/api/report-types`"""

    scopes = {"GET": "reports:read"}

    @extend_schema(operation_id="listReportTypes", responses={200: ReportTypeListBody, 401: PROBLEMS[401]})
    def get(self, request: Request) -> Response:
        """What I may order."""
        return Response({"results": [report_type_body(known) for known in report_types_for(request.user)]})


class ReportTypeView(ApiView):
    """`/api/report-types/{identifier}`"""

    scopes = {"GET": "reports:read"}

    @extend_schema(
        operation_id="getReportType", responses={200: ReportTypeBody, 401: PROBLEMS[401], 404: PROBLEMS[404]}
    )
    def get(self, request: Request, identifier: str) -> Response:
        """One report type."""
        try:
            return Response(report_type_body(get_report_type(identifier, request.user)))
        except UnknownReportTypeError:
            raise ProblemError(404, "not-found", "There is no such resource.") from None
