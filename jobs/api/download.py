"""Download of an artifact: one file, with ranges and validators (RFC 9110, RFC 9530, RFC 6266)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import partial
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from drf_spectacular.utils import OpenApiParameter

from jobs.events import record_event
from jobs.files.damage import WholeRange, check_download, open_download
from jobs.http.conditional import LONGEST_LIST
from jobs.http.problems import ProblemError
from jobs.http.schema import response_header
from jobs.models import Artifact, Event

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE)
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]")

_LIST = {"type": "string", "maxLength": LONGEST_LIST}
RANGE_HEADERS = (
    OpenApiParameter("Range", _LIST, OpenApiParameter.HEADER, description="One range; `bytes=1000-` skips 1000 bytes."),
    OpenApiParameter(
        "If-Range", _LIST, OpenApiParameter.HEADER, description="An `ETag`; a file with another one is sent whole."
    ),
)
FILE_HEADERS = (
    response_header("Accept-Ranges", "`bytes`", of=[200, 206]),
    response_header("Content-Disposition", "The name of the file, as `filename*` (RFC 6266).", of=[200, 206]),
    response_header("Content-Length", "The number of bytes in this response.", of=[200, 206]),
    response_header("Content-Range", "The range of these bytes (416: `*`) and the size of the file.", of=[206, 416]),
    response_header("Repr-Digest", "SHA-256 of the whole file (RFC 9530).", of=[200, 206]),
    response_header("Last-Modified", "When the file was published.", of=[200, 206]),
    response_header("Expires", "When the file will be deleted.", of=[200, 206]),
)


def artifact_response(
    request: HttpRequest, artifact: Artifact, *, record: Callable[[], object] | None = None
) -> HttpResponseBase:
    """Answer a GET or HEAD for a published artifact: 200, 206 or 304.

    `record` is called once for a download that begins; by default it adds `downloaded` by the user to the timeline. If
    it raises, nothing is sent. A request for several ranges gets the whole file, as RFC 9110 section 14.2 allows.
    Raises ProblemError (412, 416), ArtifactError if the storage has lost the file or a part of it, and
    StorageUnavailableError.
    """
    etag = f'"{artifact.sha256}"'
    published_at = int(artifact.published_at.timestamp()) if artifact.published_at else None
    answer = get_conditional_response(request, etag=etag, last_modified=published_at)
    if answer is not None and answer.status_code == 412:
        problem = "The file has changed since the version that If-Match or If-Unmodified-Since names."
        raise ProblemError(412, "precondition-failed", problem, headers={"ETag": etag})
    if answer is not None:
        return _with_headers(answer, artifact, etag)
    start, end, status = 0, artifact.size_bytes - 1, 200
    # Only GET has ranges (RFC 9110 section 14.2). Both validators are strong, because a published file never changes.
    wanted = request.headers.get("Range", "") if request.method == "GET" else ""
    if wanted and request.headers.get("If-Range", etag) in (etag, _last_modified(artifact)):
        asked = parse_range(wanted, artifact.size_bytes)
        if asked == ():
            raise ProblemError(
                416,
                "range-not-satisfiable",
                f"The file has {artifact.size_bytes} bytes.",
                headers={"Content-Range": f"bytes */{artifact.size_bytes}", "ETag": etag, "Accept-Ranges": "bytes"},
            )
        if asked:
            (start, end), status = asked, 206
    if request.method == "HEAD":
        check_download(artifact)
        response: HttpResponseBase = HttpResponse(status=status, content_type=artifact.content_type)
    else:
        stored = _opened(artifact, start, end, record=record or partial(_record_download, request, artifact))
        response = StreamingHttpResponse(stored, status=status, content_type=artifact.content_type)
    response["Content-Length"] = str(end - start + 1)
    if status == 206:
        response["Content-Range"] = f"bytes {start}-{end}/{artifact.size_bytes}"
    return _with_headers(response, artifact, etag)


def parse_range(header: str, size: int) -> tuple[int, int] | tuple[()] | None:
    """First and last byte of a `Range` header; `()` if it cannot be satisfied, None if it must be ignored."""
    found = _RANGE.fullmatch(header)
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first == "":
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
    return (start, end) if start <= end else ()


def content_disposition(filename: str) -> str:
    """`attachment` with both forms of the name: plain for old clients, `filename*` for all others (RFC 6266)."""
    plain = _NOT_PLAIN.sub("_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _record_download(request: HttpRequest, artifact: Artifact) -> None:
    record_event(artifact.job_id, Event.Name.DOWNLOADED, actor=request.user.get_username())


def _opened(artifact: Artifact, start: int, end: int, *, record: Callable[[], object]) -> WholeRange:
    """The range of the file, recorded if it begins the file: a later range continues a download that was recorded."""
    stored = open_download(artifact, first=start, last=end)
    if start == 0:
        try:
            record()
        except BaseException:
            stored.close()
            raise
    return stored


def _with_headers(response: HttpResponseBase, artifact: Artifact, etag: str) -> HttpResponseBase:
    digest = base64.b64encode(bytes.fromhex(artifact.sha256)).decode()
    response["ETag"] = etag
    response["Accept-Ranges"] = "bytes"
    response["Repr-Digest"] = f"sha-256=:{digest}:"
    response["Cache-Control"] = "private, no-transform"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = content_disposition(artifact.filename)
    if artifact.expires_at is not None:
        response["Expires"] = http_date(artifact.expires_at.timestamp())
    if (published := _last_modified(artifact)) is not None:
        response["Last-Modified"] = published
    return response


def _last_modified(artifact: Artifact) -> str | None:
    return http_date(artifact.published_at.timestamp()) if artifact.published_at else None
