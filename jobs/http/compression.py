"""Compression of responses. `collectstatic` compresses static files, and `csv.compression` the files of reports."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

MEDIA_TYPES: Final = (
    "application/json",
    "application/vnd.oai.openapi",
    "application/vnd.oai.openapi+json",
    "application/javascript",
    "text/html",
)


class CompressionMiddleware(GZipMiddleware):
    """Django's middleware, limited to text that is not streamed and answers GET or HEAD.

    The length of a compressed response reveals whether text from the request also occurs elsewhere in it (BREACH).
    So responses to POST, the only ones that show a new token or secret, are not compressed. CSRF tokens are masked
    differently on each page, and Django adds random padding; it also turns every compressed ETag into a weak one.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response, compressed if that is safe and the client accepts it."""
        media_type = response.get("Content-Type", "").partition(";")[0].strip()
        if (
            request.method not in ("GET", "HEAD")
            or response.streaming
            or media_type not in MEDIA_TYPES
            or "no-transform" in response.get("Cache-Control", "")
        ):
            return response
        compressed: HttpResponseBase = super().process_response(request, response)
        return compressed
