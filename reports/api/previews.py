"""Look at what an order would contain: a thin view and its bodies."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.resources.view import ResourceView
from jobs.http.problems import ProblemError
from jobs.http.schema import problem
from jobs.types.registry import UnknownTypeError
from reports.api.resource import REPORTS
from reports.kind import REPORT
from reports.ordering import ReportOrderSerializer, shown_parameters, valid_payload
from reports.previewing import Preview, PreviewFailedError, PreviewUnavailableError, preview_report


def preview_body(payload: dict[str, Any], preview: Preview) -> dict[str, Any]:
    """A preview; without `rows` and `truncated` where they take too long to compute, and without unknown counts."""
    body = {"reportType": payload["reportType"], "parameters": shown_parameters(payload), "columns": preview.columns}
    counts = {"estimatedRows": preview.estimated_rows, "rowCount": preview.row_count}
    body |= {name: count for name, count in counts.items() if count is not None}
    return body if preview.rows is None else {**body, "rows": preview.rows, "truncated": preview.truncated}


class PreviewBody(serializers.Serializer[Any]):
    """What an order would contain."""

    reportType = serializers.CharField()
    parameters = serializers.DictField()
    columns = serializers.ListField(child=serializers.CharField(allow_blank=True))
    estimatedRows = serializers.IntegerField(
        required=False,
        help_text="as the report type, PostgreSQL's planner or the type's recent runs tell; left out where unknown",
    )
    rowCount = serializers.IntegerField(
        required=False, help_text="how many rows there are at the moment; only where all of them are in `rows`"
    )
    rows = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(allow_blank=True)),
        required=False,
        help_text="the first ones, as they stand in the file; left out where they take too long to compute",
    )
    truncated = serializers.BooleanField(
        required=False, help_text="whether `rows` are fewer, maybe none, since together they are longer than 256 KiB"
    )


class ReportPreviewView(ResourceView):
    """`/api/reports/preview`"""

    resource = REPORTS
    scopes = {"POST": (REPORT.scopes.write, REPORT.scopes.read)}  # it shows rows

    @extend_schema(
        operation_id="previewReport",
        request=ReportOrderSerializer,
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
        try:
            _, payload = valid_payload(owner=request.user, data=request.data)  # type: ignore[arg-type]
        except UnknownTypeError as error:
            raise self.unknown_type(request, error) from None
        try:
            return Response(preview_body(payload, preview_report(payload, owner=request.user)))  # type: ignore[arg-type]
        except PreviewUnavailableError as error:
            raise ProblemError(503, "preview-unavailable", str(error), retry_after=error.retry_after) from None
        except PreviewFailedError as error:
            raise ProblemError(422, error.code, str(error)) from None
