"""`/api/schema`: the OpenAPI schema, as much of it as the one who asks may see."""

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
    """drf-spectacular's, and whether it is for a file: then there is no `original` request."""
    request: Request = build_mock_request(method, path, view, original, **kwargs)  # type: ignore[no-untyped-call]
    request.is_for_file = original is None  # type: ignore[attr-defined]
    return request


class SchemaView(SpectacularAPIView):
    """For everybody. What depends on the user is left out for a client that is not signed in."""

    content_negotiation_class = DefaultContentNegotiation

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The schema in the format of `Accept`."""
        response: HttpResponseBase
        if request.user.is_authenticated:
            response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        else:
            renderer: Any = request.accepted_renderer
            response = HttpResponse(
                _public_schema(renderer.media_type), content_type=f"{renderer.media_type}; charset=utf-8"
            )
        response["Cache-Control"] = "private, no-cache"
        return response


@cache
def _public_schema(media_type: str) -> bytes:
    """Made once for each format: it takes a good part of a second, and everybody may ask for it."""
    # A request without a user, since without any request a schema for a file is made.
    request = Request(HttpRequest(), authenticators=[])
    generator: Any = SchemaView.generator_class()
    renderer: Any = next(known for known in SchemaView.renderer_classes if known.media_type == media_type)
    body: bytes = renderer().render(generator.get_schema(request=request, public=True), renderer_context={})
    return body
