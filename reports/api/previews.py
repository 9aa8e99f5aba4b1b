"""`/api/reports/preview`: preview an order without placing it."""

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
from reports.previewing import PreviewFailedError, PreviewUnavailableError, preview_report
from reports.sampling import Preview


def preview_body(payload: dict[str, Any], preview: Preview) -> dict[str, Any]:
    """The preview, without `rows` and `truncated` if they take too long to compute, and without unknown counts."""
    body = {"reportType": payload["reportType"], "parameters": shown_parameters(payload), "columns": preview.columns}
    counts = {"estimatedRows": preview.estimated_rows, "rowCount": preview.row_count}
    body |= {name: count for name, count in counts.items() if count is not None}
    return body if preview.rows is None else {**body, "rows": preview.rows, "truncated": preview.truncated}


class PreviewBody(serializers.Serializer[Any]):
    """A preview of what an order would contain."""

    reportType = serializers.CharField()
    parameters = serializers.DictField()
    columns = serializers.ListField(child=serializers.CharField(allow_blank=True))
    estimatedRows = serializers.IntegerField(
        required=False,
        help_text="estimate by the report type, PostgreSQL's planner or recent runs of the type; omitted if unknown",
    )
    rowCount = serializers.IntegerField(
        required=False, help_text="current number of rows; present only if `rows` contains all of them"
    )
    rows = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(allow_blank=True)),
        required=False,
        help_text="the first rows, as they appear in the file; omitted if they take too long to compute",
    )
    truncated = serializers.BooleanField(
        required=False, help_text="whether `rows` was cut short, possibly to nothing, because it exceeded 256 KiB"
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
            422: problem("The query fails, as the report would; `code` says why."),
            503: problem("`preview-unavailable`: no preview is possible now. The report can still be ordered."),
        },
    )
    def post(self, request: Request) -> Response:
        """Preview the number of rows and the first rows of an order, without placing it.

        A token needs two scopes: `reports:order`, and `reports:read` for the rows.
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
