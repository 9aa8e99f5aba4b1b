"""`/api/upload-types/{identifier}/template.csv`"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from jobs.api.download import content_disposition
from jobs.api.resources.view import ResourceView
from jobs.http.problems import ProblemError
from jobs.types.registry import UnknownTypeError
from uploads.api.resource import UPLOADS
from uploads.schemas import template_csv
from uploads.types import UPLOAD_TYPES

_RESPONSES: Final[dict[Any, Any]] = {(200, "text/csv"): OpenApiTypes.BINARY}


class TemplateView(ResourceView):
    """A file to fill in."""

    resource = UPLOADS

    @extend_schema(operation_id="getUploadTemplate", responses=_RESPONSES)
    def get(self, request: Request, identifier: str) -> HttpResponse:
        """A CSV file with the headings of an upload type, in UTF-8."""
        try:
            upload_type = UPLOAD_TYPES.get(identifier, request.user)
        except UnknownTypeError:
            raise ProblemError(404, "not-found", "There is no such resource.") from None
        response = HttpResponse(template_csv(upload_type), content_type="text/csv; charset=utf-8; header=present")
        response["Content-Disposition"] = content_disposition(f"{identifier}.csv")
        response["X-Content-Type-Options"] = "nosniff"
        return response
