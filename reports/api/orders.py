"""Order a report, look at what it would contain, and list what was ordered: thin views."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.idempotency import IDEMPOTENCY_KEY, idempotency_of
from jobs.estimates.estimate import estimate_listed
from jobs.http.pagination import PAGES, NewestFirst
from jobs.http.problems import ProblemError
from jobs.http.schema import ACCEPTED_HEADERS, problem, response_header
from jobs.http.views import ApiView
from jobs.models import Job
from reports.api.answers import DIAL_PROBLEMS, accepted, unknown_report_type
from reports.api.bodies import PreviewBody, ReportPage, ReportStatus, preview_body, report_body
from reports.api.examples import OF_AN_ORDER
from reports.api.filters import ListQuery, filter_reports
from reports.ordering import canonical_order
from reports.placing import PlacedOrderSerializer, place_order
from reports.previewing import PreviewFailedError, PreviewUnavailableError, preview_report
from reports.registry import UnknownReportTypeError

PLACED_HEADERS = (
    response_header("Idempotency-Replayed", "`true`: the order was accepted before, under its key.", of=[202]),
    response_header("Report-Reused", "`true`: an equal report is given, as `reuse` asks.", of=[202]),
)


class ReportListView(ApiView):
    """`/api/reports`"""

    scopes = {"GET": "reports:read", "POST": "reports:order"}

    @extend_schema(
        operation_id="orderReport",
        examples=OF_AN_ORDER,
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
        response = accepted(request, placed.job, is_new=not (placed.is_replayed or placed.is_reused))
        if placed.is_replayed:
            response["Idempotency-Replayed"] = "true"
        if placed.is_reused:
            response["Report-Reused"] = "true"
        return response

    @extend_schema(
        operation_id="listReports",
        parameters=[ListQuery, *PAGES],
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
        known = zip(page, estimate_listed(page), strict=True)
        return pages.get_paginated_response([report_body(job, estimate, in_list=True) for job, estimate in known])


class ReportPreviewView(ApiView):
    """`/api/reports/preview`"""

    scopes = {"POST": ("reports:order", "reports:read")}  # it shows rows

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
        """How many rows an order would have, and the first of them. Nothing is ordered.

        A token needs both scopes: `reports:order`, and `reports:read` for the rows.
        """
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
