"""What the views of resumable uploads share: the version of tus, problems, and receiving a body."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC
from typing import Any, Final

from django.http import HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.http import http_date, parse_header_parameters
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from jobs.api.resources.view import ResourceView
from jobs.dispatch.admission import refuse_early
from jobs.http.arriving import arriving_body
from jobs.http.parsers import BodyTooLargeError
from jobs.http.problems import ProblemError
from jobs.pages.localization import page_language
from jobs.types.registry import UnknownTypeError
from uploads.api.reading import Pieces
from uploads.api.unparsed import UnparsedBody
from uploads.models import ResumableUpload
from uploads.ordering import KIND
from uploads.resumable.checksums import FIELD, MISMATCH, read_checksum
from uploads.resumable.errors import (
    FinishingError,
    OvertakenError,
    PartLostError,
    TooManyError,
    WrongOffsetError,
)
from uploads.resumable.finishing import finish_upload
from uploads.resumable.parts import forget_from
from uploads.resumable.protocol import CHUNK_TYPE, VERSION, described_server
from uploads.resumable.receiving import receive_parts
from uploads.types import UPLOAD_TYPES, UploadType

#: When to ask again while the file is put together, and when one of many uploads may have expired. Seconds.
LOCKED_RETRY_AFTER: Final = 5
TOO_MANY_RETRY_AFTER: Final = 60


class TusView(UnparsedBody, ResourceView):
    """One of the two resources of tus. Only its owner sees an upload, and for everything a token needs one scope."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete", "options"]

    def get_permissions(self) -> list[Any]:
        """Anybody may ask what the server can do."""
        return [] if getattr(self.request, "method", "") == "OPTIONS" else [*super().get_permissions()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises ProblemError (412) for another version of tus."""
        super().initial(request, *args, **kwargs)
        is_tus = request.method in ("POST", "HEAD", "PATCH", "DELETE")
        if is_tus and request.headers.get("Tus-Resumable") != VERSION:
            detail = f"Send Tus-Resumable: {VERSION}."
            raise ProblemError(412, "unsupported-tus-version", detail, headers={"Tus-Version": VERSION})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Name the status that only tus has."""
        final = super().finalize_response(request, response, *args, **kwargs)
        if final.status_code == MISMATCH:
            final.reason_phrase = "Checksum Mismatch"
        return final

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """What the server can do."""
        allowed = [one.max_bytes for one in UPLOAD_TYPES.orderable_by(request.user)]
        return no_content(described_server(max(allowed, default=None)))

    def type_of(self, request: Request, order: dict[str, Any]) -> UploadType:
        """The upload type of an order. Raises ProblemError (400) if the user may not upload it."""
        try:
            upload_type: UploadType = UPLOAD_TYPES.get(order["uploadType"], request.user)
        except UnknownTypeError as error:
            raise self.unknown_type(request, error) from None
        return upload_type

    def receive(self, request: Request, upload: ResumableUpload, upload_type: UploadType) -> None:
        """Store the body, and order the upload if it is complete. `upload` is changed as its row is."""
        checksum = read_checksum(request.headers.get(FIELD))
        length = body_length(request)
        pieces = Pieces(arriving_body(request._request, length=length), length=length, hashed=False)
        last = receive_parts(upload, pieces, checksum)
        if last or upload.length_bytes == 0:
            try:
                with _language_of(request):
                    finish_upload(upload, last, owner=request.user, upload_type=upload_type)  # type: ignore[arg-type]
            except UnknownTypeError as error:  # since the check above
                raise self.unknown_type(request, error) from None


def _language_of(request: Request) -> AbstractContextManager[None]:
    """An order by a session comes from a page, so what the job stores for people is in the language of that page."""
    return nullcontext() if request.auth else translation.override(page_language(request._request))


@contextmanager
def answering_problems() -> Iterator[None]:
    """Errors of resumable uploads as problems."""
    try:
        yield
    except WrongOffsetError as error:
        raise ProblemError(409, "wrong-offset", str(error)) from None
    except PartLostError as error:
        forget_from(error.part)
        detail = f"The file storage has lost a part. The next byte of this upload is number {error.part.first_byte}."
        raise ProblemError(409, "wrong-offset", detail) from None
    except FinishingError:
        detail = "All bytes have arrived and are being put together. Ask again later."
        raise ProblemError(423, "upload-locked", detail, retry_after=LOCKED_RETRY_AFTER) from None
    except OvertakenError:
        detail = "Another request has gone on with this upload, or has deleted it."
        raise ProblemError(409, "overtaken", detail) from None
    except TooManyError as error:
        wait = TOO_MANY_RETRY_AFTER
        raise ProblemError(429, "too-many-resumable-uploads", str(error), retry_after=wait) from None


def body_length(request: Request) -> int:
    """Content-Length; 0 without one."""
    return int(request.META.get("CONTENT_LENGTH") or 0)


def require_chunk(request: Request, *, at: int, of: int) -> None:
    """Check what the header fields say about a body that begins at byte `at` of `of`.

    Raises UnsupportedMediaType, BodyTooLargeError, and ProblemError (400) for a checksum that cannot be checked.
    """
    media_type, _ = parse_header_parameters(request.META.get("CONTENT_TYPE", ""))
    if media_type != CHUNK_TYPE:
        raise UnsupportedMediaType(media_type, f"Send the bytes as {CHUNK_TYPE}, not as {media_type!r}.")
    read_checksum(request.headers.get(FIELD))
    if at + body_length(request) > of:
        raise BodyTooLargeError(f"The upload has {of} bytes, so no more than {of - at} can follow.")


def refuse_if_full(request: Request, upload_type: UploadType) -> None:
    """Raise AdmissionError if the queue would refuse the upload now, before its bytes are read."""
    queue = UPLOAD_TYPES.queue_of(upload_type)
    refuse_early(queue=queue, kind=KIND, type=upload_type.identifier, owner=request.user)  # type: ignore[arg-type]


def described(upload: ResumableUpload) -> dict[str, str]:
    """The fields that tell how far an upload is: it expires, or has become the one at `Location`."""
    fields = {"Upload-Offset": str(upload.offset_bytes)}
    if upload.job_id:
        return {**fields, "Location": reverse("upload-status", args=[upload.job_id])}
    return {**fields, "Upload-Expires": http_date(upload.expires_at.astimezone(UTC).timestamp())}


def no_content(fields: dict[str, str], *, status: int = 204) -> HttpResponse:
    """A response without a body, and without a type of it."""
    response = HttpResponse(status=status, headers=fields)
    del response["Content-Type"]
    return response
