"""`/api/schema`: the OpenAPI schema, as far as the user may see it."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.plumbing import build_mock_request
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


def mock_request(method: str, path: str, view: Any, original: Request | None, **kwargs: Any) -> Request:
    """drf-spectacular's mock request with `is_for_file`: a schema for a file has no `original` request."""
    request: Request = build_mock_request(method, path, view, original, **kwargs)  # type: ignore[no-untyped-call]
    request.is_for_file = original is None  # type: ignore[attr-defined]
    return request


class SchemaView(SpectacularAPIView):
    """For everyone. Parts that depend on the user are omitted for clients that are not signed in."""

    content_negotiation_class = DefaultContentNegotiation

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The schema in the format of `Accept`."""
        response: HttpResponseBase
        if request.user.is_authenticated:
            response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        else:
            media_type: str = request.accepted_renderer.media_type
            response = HttpResponse(_public_schema(media_type), content_type=f"{media_type}; charset=utf-8")
        response["Cache-Control"] = "private, no-cache"
        return response


@cache
def _public_schema(media_type: str) -> bytes:
    """Cached for each format: generating it takes a good part of a second, and anyone may request it."""
    # A request without a user: without any request, the schema would be one for a file.
    request = Request(HttpRequest(), authenticators=[])
    generator: Any = SchemaView.generator_class()
    renderer: Any = next(known for known in SchemaView.renderer_classes if known.media_type == media_type)
    body: bytes = renderer().render(generator.get_schema(request=request, public=True), renderer_context={})
    return body
