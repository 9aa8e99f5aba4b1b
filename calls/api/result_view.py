"""The result of a call: the JSON value that its type has returned."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from calls.api.resource import CALLS
from jobs.api.download import FILE_HEADERS, RANGE_HEADERS, content_disposition
from jobs.api.resources.job_views import JobDownloadView
from jobs.api.resources.resource import JobResource
from jobs.api.resources.view import Operations
from jobs.http.problems import ProblemError
from jobs.http.schema import problem
from jobs.models import Job


class CallResultView(JobDownloadView):
    """`/api/calls/{id}/result`"""

    resource = CALLS

    @classmethod
    def operations(cls, resource: JobResource) -> Operations:
        """Get the result."""
        responses: dict[Any, Any] = {
            (200, "application/json"): OpenApiTypes.ANY,
            (206, "application/json"): OpenApiTypes.BINARY,
            409: problem("`not-ready`: try again after `Retry-After`. `call-failed`: its status says why."),
            410: problem("`canceled`, `expired` or `file-lost`: order it again."),
            412: problem("`precondition-failed`: the result is another than `If-Match` names."),
            416: problem("`range-not-satisfiable`: the range begins after the end of a large result."),
            503: problem("`storage-unavailable`: try again after `Retry-After`."),
        }
        parameters = [*RANGE_HEADERS, *FILE_HEADERS]
        return {"get": {"operation_id": "getCallResult", "parameters": parameters, "responses": responses}}

    def result(self, request: Request, job: Job) -> HttpResponseBase:
        """A small result is in the job; a large one is its file, which is sent as it is stored."""
        if job.result_artifact is not None or not job.result or "value" not in job.result:
            return super().result(request, job)
        return value_response(request._request, job)


def value_response(request: HttpRequest, job: Job) -> HttpResponseBase:
    """Answer a GET or HEAD for a result that is in the job: 200 or 304. Raises ProblemError (412)."""
    data = value_as_json((job.result or {})["value"])
    digest = sha256(data).digest()
    etag, ended = f'"{digest.hex()}"', int(job.finished_at.timestamp()) if job.finished_at else None
    whole = HttpResponse(data, content_type="application/json")
    response = get_conditional_response(request, etag=etag, last_modified=ended, response=whole) or whole
    if response.status_code == 412:
        problem = "The result is another than If-Match or If-Unmodified-Since names."
        raise ProblemError(412, "precondition-failed", problem, headers={"ETag": etag})
    if response is whole:
        response["Content-Length"] = str(len(data))
    response["ETag"] = etag
    response["Repr-Digest"] = f"sha-256=:{base64.b64encode(digest).decode()}:"
    response["Cache-Control"] = "private, no-transform"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = content_disposition("result.json")
    if ended is not None:
        response["Last-Modified"] = http_date(ended)
    return response


def value_as_json(value: Any) -> bytes:
    """A result as it is sent: like the file of a large one."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
