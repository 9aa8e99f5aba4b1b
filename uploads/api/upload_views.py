"""`/api/uploads`: receive a file and order its upload."""

from __future__ import annotations

from typing import Any

from django.db import connection
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.idempotency import IDEMPOTENCY_KEY, key_of
from jobs.api.resources.list_views import REPLAYED, JobListView
from jobs.api.resources.view import ADMISSION_PROBLEMS, accepted_responses
from jobs.dispatch.admission import refuse_early
from jobs.dispatch.idempotency import Idempotency
from jobs.http.schema import ACCEPTED_HEADERS, problem, response_header
from jobs.models import Job
from jobs.types.ordering import Placed
from jobs.types.registry import UnknownTypeError
from uploads.api.codings import DECODERS
from uploads.api.digests import FIELDS
from uploads.api.examples import OF_AN_ORDER
from uploads.api.multipart import FIELD
from uploads.api.places import receiving_place
from uploads.api.query import UploadQuery, read_order
from uploads.api.receiving import MULTIPART, RAW, Announced, announced, received_file
from uploads.api.resource import UPLOADS
from uploads.api.unparsed import UnparsedBody
from uploads.ordering import KIND, ORDERING, refuse_wrong_order
from uploads.types import UPLOAD_TYPES, UploadType

_BINARY = {"type": "string", "format": "binary"}
_BODY = {
    **dict.fromkeys(RAW, _BINARY),
    MULTIPART: {"type": "object", "properties": {FIELD: _BINARY}, "required": [FIELD], "additionalProperties": False},
}
_DIGESTS = [
    OpenApiParameter(
        field,
        {"type": "string", "maxLength": 1000, "pattern": "^sha-256=:[A-Za-z0-9+/]{43}=:$"},
        OpenApiParameter.HEADER,
        description="SHA-256 of the body as it is sent (RFC 9530); checked if present.",
    )
    for field in FIELDS
]
_CODING = OpenApiParameter(
    "Content-Encoding",
    {"type": "string", "enum": ["identity", *DECODERS]},
    OpenApiParameter.HEADER,
    description="How the body is compressed. Limits are of the decoded file.",
)
_REPEATED = response_header(
    "Upload-Repeated", "The id of your first upload of the same bytes as this type within a day.", of=[200, 202]
)


class UploadListView(UnparsedBody, JobListView):
    """`/api/uploads`"""

    resource = UPLOADS
    content_codings = tuple(DECODERS)

    @extend_schema(
        operation_id="orderUpload",
        request=_BODY,
        examples=[*OF_AN_ORDER],
        parameters=[UploadQuery, IDEMPOTENCY_KEY, *_DIGESTS, _CODING, *ACCEPTED_HEADERS, REPLAYED, _REPEATED],
        responses={
            **accepted_responses(UPLOADS),
            400: problem(
                "`unknown-upload-type`, `invalid-idempotency-key`, `incomplete-body`, `invalid-coding`, "
                "`digest-mismatch`."
            ),
            409: problem("`idempotency-key-in-use`: the first order with this key is still being handled."),
            422: problem("`idempotency-key-reused`: the first order with this key had another file or query."),
            429: ADMISSION_PROBLEMS[429],
            503: problem(
                "`queue-full`: the queue is full or closed. `too-many-uploads`: too many files are being received. "
                "`storage-unavailable`."
            ),
        },
    )
    def post(self, request: Request) -> Response:
        """Upload a file: as the body itself, or as the part `file` of a form.

        The response comes once the whole file is stored; it says nothing about its content. Poll the status.
        """
        order = read_order(request.query_params)
        try:
            upload_type: UploadType = UPLOAD_TYPES.get(order["uploadType"], request.user)
        except UnknownTypeError as error:
            raise self.unknown_type(request, error) from None
        key = key_of(request)
        known = announced(request._request, upload_type)
        if key is None or not _is_known(request, key):  # a replay is answered even if the queue is full
            refuse_wrong_order(order, owner=request.user)  # type: ignore[arg-type]
            queue = UPLOAD_TYPES.queue_of(upload_type)
            refuse_early(queue=queue, kind=KIND, type=upload_type.identifier, owner=request.user)  # type: ignore[arg-type]
        try:
            return self._accepted(request, self._receive(request, known, upload_type, order, key))
        except UnknownTypeError as error:  # since the check above
            raise self.unknown_type(request, error) from None

    def _receive(
        self, request: Request, known: Announced, upload_type: UploadType, order: dict[str, Any], key: str | None
    ) -> Placed:
        source = received_file(request._request, known, upload_type)
        if not connection.in_atomic_block:
            connection.close()  # no session waits for the file, and the loss of one does not lose the file
        with receiving_place(request.user), source as writer:  # type: ignore[arg-type]
            csv = {**order["csv"], "encoding": order["csv"]["encoding"] or known.encoding}
            data = {**order, "csv": csv}
            idempotency = key and Idempotency.of(key, kind=KIND, body={**data, "sha256": writer.sha256})
            return ORDERING.place_upload(
                owner=request.user,  # type: ignore[arg-type]
                data=data,
                source=writer,
                idempotency=idempotency or None,
            )

    def _accepted(self, request: Request, placed: Placed) -> Response:
        response = self.accepted(request, placed.job, is_new=not placed.is_replayed)
        if placed.is_replayed:
            response["Idempotency-Replayed"] = "true"
        if first := placed.job.payload.get("repeats"):
            response["Upload-Repeated"] = first
        return response


def _is_known(request: Request, key: str) -> bool:
    return Job.objects.filter(owner=request.user.pk, idempotency_key=key).exists()
