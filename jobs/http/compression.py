"""Which responses are compressed.

Static files are compressed when they are collected, and downloads when they are made (`csv.compression`).
"""

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
    """Django's, for what is text, is not streamed, and answers a GET or HEAD.

    The length of a compressed response reveals whether a text from the request also occurs elsewhere in it (BREACH).
    So answers to POST, which alone show a new token or secret, are not compressed. CSRF tokens are masked differently
    in each page, and Django's random padding varies the lengths; it also makes every compressed ETag a weak one.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response, compressed where that is allowed and the client accepts it."""
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
