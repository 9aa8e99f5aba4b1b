"""The words of tus 1.0, and what every request and response of it has (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from uploads.resumable.checksums import ALGORITHMS

VERSION: Final = "1.0.0"
EXTENSIONS: Final = ("creation", "creation-with-upload", "expiration", "checksum", "termination")
CHUNK_TYPE: Final = "application/offset+octet-stream"
PATH: Final = "/api/uploads/resumable"


def speak_tus(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: `X-HTTP-Method-Override`, and `Tus-Resumable` on every response except those to OPTIONS.

    A middleware, because other ones may answer before the view, or after it has failed.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path != PATH and not request.path.startswith(f"{PATH}/"):
            return get_response(request)
        if method := request.headers.get("X-HTTP-Method-Override"):
            request.method = request.META["REQUEST_METHOD"] = method.strip().upper()
        response = get_response(request)
        if request.method != "OPTIONS":
            response["Tus-Resumable"] = VERSION
        return response

    return middleware


def described_server(largest_bytes: int | None) -> dict[str, str]:
    """The header fields of a response to OPTIONS. `largest_bytes` is the limit of a file; None if it is not known."""
    fields = {
        "Tus-Version": VERSION,
        "Tus-Extension": ",".join(EXTENSIONS),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    return fields if largest_bytes is None else {**fields, "Tus-Max-Size": str(largest_bytes)}
