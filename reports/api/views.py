"""Views of the report API: thin, over `reports.ordering` and `jobs.api`."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.download import FILE_HEADERS, RANGE_HEADERS, artifact_response
from jobs.api.idempotency import IDEMPOTENCY_KEY, idempotency_of
from jobs.api.lookup import get_job
from jobs.api.pagination import NewestFirst
from jobs.api.polling import answer_poll, polled
from jobs.api.problems import ProblemError
from jobs.api.schema import ACCEPTED_HEADERS, problem, response_header
from jobs.api.status import retry_after, status_word
from jobs.api.views import ApiView
from jobs.errors import ArtifactMissingError, TransitionError
from jobs.estimates import estimate_listed
from jobs.models import Job
from jobs.purging import purge_or_cancel
from reports.api.bodies import (
    PreviewBody,
    Report,
    ReportPage,
    ReportStatus,
    ReportTypeBody,
    ReportTypeListBody,
    preview_body,
    report_body,
    report_type_body,
    status_body,
)
from reports.api.filters import ListQuery, filter_reports
from reports.ordering import canonical_order
from reports.placing import PlacedOrderSerializer, place_order
from reports.previewing import PreviewFailedError, PreviewUnavailableError, preview_report
from reports.registry import UnknownReportTypeError, get_report_type, report_types_for
from reports.retrying import NotRetryableError, retry_report

PLACED_HEADERS = (
    response_header("Idempotency-Replayed", "`true`: the order was accepted before, under its key.", of=[202]),
    response_header("Report-Reused", "`true`: an equal report is given, as `reuse` asks.", of=[202]),
)
DIAL_PROBLEMS = {
    429: problem("`owner-queue-full`: too many of yours wait."),
    503: problem("`queue-full`: the queue is full, or closed."),
}
POLL_PROBLEMS = {429: problem("`polling-too-fast`: asked again before `Retry-After` was over.")}


def accepted(request: Request, job: Job) -> Response:
    """202: the status of an order, and where to ask for it."""
    response = polled(job, status_body(job), status=202)
    response["Location"] = reverse("report-status", args=[job.pk])
    response["Operation-Location"] = request.build_absolute_uri(reverse("operation", args=[job.pk]))
    return response


def unknown_report_type(request: Request, error: UnknownReportTypeError) -> ProblemError:
    """400, with the types that the user may order."""
    known = [report_type.identifier for report_type in report_types_for(request.user)]
    return ProblemError(
        400,
        "unknown-report-type",
        f"There is no report type {error.args[0]}. Valid ones are: {', '.join(known)}.",
        errors=[{"pointer": "#/reportType", "detail": "There is no such report type."}],
        reportTypes=known,
    )


class ReportListView(ApiView):
    """`/api/reports`"""

    scopes = {"GET": "reports:read", "POST": "reports:order"}

    @extend_schema(
        operation_id="orderReport",
        request=PlacedOrderSerializer,
        parameters=[IDEMPOTENCY_KEY, *ACCEPTED_HEADERS, *PLACED_HEADERS],
        responses={
            202: ReportStatus,
            400: problem("`unknown-report-type`, `invalid-idempotency-key`."),
            409: problem("`idempotency-key-in-use`: the first order with this key is still being handled."),
            422: problem("`idempotency-key-reused`: the first order with this key asked for something else."),
            **DIAL_PROBLEMS,
        },
    )
    def post(self, request: Request) -> Response:
        """Order a report."""
        try:
            placed = place_order(
                owner=request.user,  # type: ignore[arg-type]
                data=request.data,
                idempotency=idempotency_of(request, kind="report"),
            )
        except UnknownReportTypeError as error:
            raise unknown_report_type(request, error) from None
        job = get_job(request, str(placed.job.pk))  # released by now, maybe
        response = accepted(request, job)
        if placed.is_replayed:
            response["Idempotency-Replayed"] = "true"
        if placed.is_reused:
            response["Report-Reused"] = "true"
        return response

    @extend_schema(
        operation_id="listReports",
        parameters=[ListQuery],
        responses={
            200: ReportPage,
            404: problem("`not-found`: the cursor is not valid."),
        },
    )
    def get(self, request: Request) -> Response:
        """My reports, newest first."""
        pages = NewestFirst()
        mine = Job.objects.owned_by(request.user).filter(kind="report").with_result()  # type: ignore[arg-type]
        page = pages.paginate_queryset(filter_reports(mine, request.query_params), request, view=self) or []
        estimate_listed(page)
        return pages.get_paginated_response([report_body(job, in_list=True) for job in page])


class ReportPreviewView(ApiView):
    """`/api/reports/preview`"""

    scopes = {"POST": "reports:order"}

    @extend_schema(
        operation_id="previewReport",
        request=PlacedOrderSerializer,
        responses={
            200: PreviewBody,
            400: problem("`unknown-report-type`."),
            422: problem("The query fails, and so would the report; `code` says how."),
            503: problem("`preview-unavailable`: not now. It can be ordered all the same."),
        },
    )
    def post(self, request: Request) -> Response:
        """How many rows an order would have, and the first of them. Nothing is ordered."""
        order = PlacedOrderSerializer(data=request.data)
        order.is_valid(raise_exception=True)
        try:
            _, payload = canonical_order(order.validated_data, request.user)  # type: ignore[arg-type]
        except UnknownReportTypeError as error:
            raise unknown_report_type(request, error) from None
        try:
            return Response(preview_body(payload, preview_report(payload, owner=request.user)))  # type: ignore[arg-type]
        except PreviewUnavailableError as error:
            raise ProblemError(503, "preview-unavailable", str(error), retry_after=error.retry_after) from None
        except PreviewFailedError as error:
            raise ProblemError(422, error.code, str(error)) from None


class ReportView(ApiView):
    """`/api/reports/{id}`"""

    scopes = {"GET": "reports:read", "DELETE": "reports:order"}

    @extend_schema(operation_id="getReport", responses={200: Report, **POLL_PROBLEMS})
    def get(self, request: Request, job_id: str) -> Response:
        """One report: its status, and what was ordered."""
        job = get_job(request, job_id, kind="report")
        return answer_poll(self, job, lambda: report_body(job))

    @extend_schema(
        operation_id="deleteReport",
        parameters=[*ACCEPTED_HEADERS],
        responses={202: ReportStatus, 204: OpenApiResponse(description="It is gone, with its file.")},
    )
    def delete(self, request: Request, job_id: str) -> Response:
        """Cancel it while it is active (202, ask its status); delete it with its file once it has ended (204)."""
        job = get_job(request, job_id, kind="report")
        if purge_or_cancel(job.pk, actor=request.user.get_username()):
            return Response(status=204)
        job = get_job(request, job_id, kind="report")
        return accepted(request, job)


class ReportRetryView(ApiView):
    """`/api/reports/{id}/retry`"""

    scopes = {"POST": "reports:order"}

    @extend_schema(
        operation_id="retryReport",
        request=None,
        parameters=[*ACCEPTED_HEADERS],
        responses={
            202: ReportStatus,
            409: problem("`not-failed`, or `not-retryable`: it could not be ordered today."),
            **DIAL_PROBLEMS,
        },
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Try a failed report again, as it was ordered."""
        job = get_job(request, job_id, kind="report")
        try:
            retry_report(job, owner=request.user)  # type: ignore[arg-type]
        except TransitionError:
            word = status_word(job, job.result_artifact)
            raise ProblemError(409, "not-failed", f"Only a failed report can be retried; it is {word}.") from None
        except NotRetryableError as error:
            raise ProblemError(409, "not-retryable", str(error)) from None
        return accepted(request, get_job(request, job_id, kind="report"))


class ReportStatusView(ApiView):
    """`/api/reports/{id}/status`"""

    scopes = {"GET": "reports:read"}

    @extend_schema(operation_id="getReportStatus", responses={200: ReportStatus, **POLL_PROBLEMS})
    def get(self, request: Request, job_id: str) -> Response:
        """How far it is. Ask again after `Retry-After` seconds, until that header is gone."""
        job = get_job(request, job_id, kind="report")
        return answer_poll(self, job, lambda: status_body(job))


class ReportDownloadView(ApiView):
    """`/api/reports/{id}/download`"""

    scopes = {"GET": "reports:read"}

    @extend_schema(
        operation_id="downloadReport",
        parameters=[*RANGE_HEADERS, *FILE_HEADERS],
        responses={
            (200, "text/csv"): OpenApiTypes.BINARY,
            (200, "application/gzip"): OpenApiTypes.BINARY,
            (206, "text/csv"): OpenApiTypes.BINARY,
            (206, "application/gzip"): OpenApiTypes.BINARY,
            409: problem("`not-ready`: ask again after `Retry-After`. `report-failed`: its status says why."),
            410: problem("`canceled`, or `expired`: order it again."),
            416: problem("`range-not-satisfiable`: the range lies outside of the file."),
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
