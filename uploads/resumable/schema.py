"""Resumable uploads in the OpenAPI schema."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from jobs.api.resources.view import ADMISSION_PROBLEMS
from jobs.http.schema import problem, response_header
from uploads.resumable.checksums import ALGORITHMS, MISMATCH
from uploads.resumable.fields import LARGEST
from uploads.resumable.protocol import CHUNK_TYPE, VERSION


class CreatedUpload(serializers.Serializer[Any]):
    """A new resumable upload, also in the header fields of tus."""

    id = serializers.UUIDField()
    uploadURL = serializers.CharField(help_text="send the bytes there; also in `Location`")
    offset = serializers.IntegerField(help_text="bytes that were stored already")
    length = serializers.IntegerField(help_text="bytes of the whole file")
    statusURL = serializers.CharField(required=False, help_text="of the upload, if all bytes were stored already")


def _sent(name: str, schema: dict[str, Any], description: str, *, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.HEADER, required=required, description=description)


_NUMBER: Final = {"type": "integer", "minimum": 0, "maximum": LARGEST}
_VERSION: Final = _sent("Tus-Resumable", {"type": "string", "enum": [VERSION]}, "The version of tus.", required=True)
_LENGTH: Final = _sent("Upload-Length", _NUMBER, "Bytes of the whole file.", required=True)
_OFFSET: Final = _sent("Upload-Offset", _NUMBER, "Where the stored bytes end.", required=True)
_METADATA: Final = _sent(
    "Upload-Metadata",
    {"type": "string", "maxLength": 8000},
    "Pairs of a key and its value in base64, separated by commas: `filename`, and the query parameters of "
    "`POST /api/uploads`, of which `uploadType` is required. Other keys are ignored.",
    required=True,
)
_CHECKSUM: Final = _sent(
    "Upload-Checksum",
    {"type": "string", "maxLength": 60},
    f"The checksum of the body in base64 after its algorithm, one of {', '.join(ALGORITHMS)}, and a space. Unless it "
    "is right, nothing of the body is kept.",
)
_VERSION_OF_RESPONSES: Final = response_header("Tus-Resumable", "The version of tus.", of=[200, 201, 204, 412])
_VERSIONS: Final = response_header("Tus-Version", "The supported versions of tus.", of=[412])
_STORED: Final = response_header("Upload-Offset", "Where the stored bytes end.", of=[200, 201, 204])
_EXPIRES: Final = response_header(
    "Upload-Expires", "When the upload is deleted, unless bytes arrive before; if it is unfinished.", of=[200, 201, 204]
)
_STATUS: Final = response_header("Location", "URL of the status of the upload, once it is complete.", of=[200, 204])

_VERSION_PROBLEM: Final = {412: problem("`unsupported-tus-version`: see `Tus-Version`.")}
_LOCKED: Final = {423: problem("`upload-locked`: all bytes have arrived; ask again after `Retry-After`.")}
_BODY_PROBLEMS: Final = {
    408: problem("`request-timeout`: the bytes arrived too slowly. Those that have arrived are kept."),
    411: problem("`length-required`: the body is chunked."),
    413: problem("`body-too-large`: the file, or what is left of it, is smaller or may not be as large."),
    415: problem(f"`unsupported-media-type`: the bytes are not {CHUNK_TYPE}."),
    MISMATCH: problem("`checksum-mismatch`: nothing of the body was kept."),
}
_FULL: Final = problem(
    "`queue-full`: the queue is full or closed. `too-many-uploads`: too many files are being received. "
    "`storage-unavailable`."
)

CREATE: Final[dict[str, Any]] = {
    "operation_id": "createResumableUpload",
    "request": None,
    "parameters": [
        _VERSION, _LENGTH, _METADATA, _CHECKSUM, _VERSION_OF_RESPONSES, _VERSIONS, _STORED, _EXPIRES,
        response_header("Location", "URL of the resumable upload.", of=[201]),
    ],
    "responses": {
        201: CreatedUpload,
        400: problem("`invalid-request`, `unknown-upload-type`, `incomplete-body`."),
        429: problem(
            "`too-many-resumable-uploads`: delete one, or finish it. `owner-queue-full`: too many of your jobs are "
            "queued."
        ),
        503: _FULL,
        **_VERSION_PROBLEM,
        **_BODY_PROBLEMS,
    },
}  # fmt: skip
OPTIONS: Final[dict[str, Any]] = {
    "auth": [{}, {"bearer": []}, {"cookieAuth": []}],  # who is not signed in gets an answer, too
    "parameters": [
        response_header("Tus-Version", "The supported versions of tus.", of=[204]),
        response_header("Tus-Extension", "The supported extensions.", of=[204]),
        response_header("Tus-Max-Size", "The largest file of any type that you may upload. Bytes.", of=[204]),
        response_header("Tus-Checksum-Algorithm", "The supported algorithms.", of=[204]),
    ],
    "responses": {204: OpenApiResponse(description="No body.")},
}
HEAD: Final[dict[str, Any]] = {
    "operation_id": "getOffsetOfResumableUpload",
    "parameters": [
        _VERSION, _VERSION_OF_RESPONSES, _VERSIONS, _STORED, _EXPIRES, _STATUS,
        response_header("Upload-Length", "Bytes of the whole file.", of=[200]),
        response_header("Upload-Metadata", "As it was sent.", of=[200]),
    ],
    "responses": {200: OpenApiResponse(description="No body."), **_VERSION_PROBLEM, **_LOCKED},
}  # fmt: skip
PATCH: Final[dict[str, Any]] = {
    "operation_id": "appendToResumableUpload",
    "request": {CHUNK_TYPE: {"type": "string", "format": "binary"}},
    "parameters": [_VERSION, _OFFSET, _CHECKSUM, _VERSION_OF_RESPONSES, _VERSIONS, _STORED, _EXPIRES, _STATUS],
    "responses": {
        204: OpenApiResponse(description="The bytes are stored."),
        400: problem("`invalid-request`, `unknown-upload-type`. `incomplete-body`: what has arrived is kept."),
        409: problem(
            "`wrong-offset`: the detail names the right one. `overtaken`: another request has gone on with the upload."
        ),
        429: ADMISSION_PROBLEMS[429],
        503: _FULL,
        **_VERSION_PROBLEM,
        **_LOCKED,
        **_BODY_PROBLEMS,
    },
}
DELETE: Final[dict[str, Any]] = {
    "operation_id": "deleteResumableUpload",
    "parameters": [_VERSION, _VERSION_OF_RESPONSES, _VERSIONS],
    "responses": {204: OpenApiResponse(description="It is deleted."), **_VERSION_PROBLEM},
}
