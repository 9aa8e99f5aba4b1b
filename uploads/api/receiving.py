"""Receive the file of an upload: from the socket to the artifact storage, in pieces.

Neither memory nor a temporary file ever holds it. What may refuse it without its bytes is checked before the first one
is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Final

from django.http import HttpRequest
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from uuid_utils.compat import uuid7

from jobs.errors import StorageUnavailableError
from jobs.files.artifacts import ArtifactWriter, discard_files
from jobs.files.filenames import safe_filename
from jobs.http.arriving import arriving_body
from jobs.http.parsers import BodyTooLargeError
from jobs.http.problems import ProblemError
from jobs.models import Artifact, Attempt
from tabular.decoding import codec_of
from tabular.refusals import RecognitionError
from uploads.api.codings import DECODERS, decoded
from uploads.api.digests import require_digests, sent_digests
from uploads.api.multipart import OVERHEAD_BYTES, FormFields, write_file_of
from uploads.api.reading import Pieces
from uploads.types import UploadType

MULTIPART: Final = "multipart/form-data"
#: Media types of a body that is the file itself.
RAW: Final = ("text/csv", "text/tab-separated-values", "application/octet-stream")

_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,9}")


@dataclass
class Announced:
    """What the header fields say about a body. `encoding` is that of the `charset`."""

    length: int
    media_type: str
    coding: str
    filename: str
    encoding: str | None
    digests: dict[str, bytes]

    @property
    def is_multipart(self) -> bool:
        """Whether the file is a part of the body."""
        return self.media_type == MULTIPART


def announced(request: HttpRequest, upload_type: UploadType) -> Announced:
    """Check the header fields. Raises ProblemError (400, 411), BodyTooLargeError and UnsupportedMediaType."""
    media_type, parameters = parse_header_parameters(request.META.get("CONTENT_TYPE", ""))
    if media_type not in (MULTIPART, *RAW):
        accepted = ", ".join((*RAW, MULTIPART))
        raise UnsupportedMediaType(media_type, f"Send the file as one of {accepted}, not as {media_type!r}.")
    charset = parameters.get("charset") if media_type != MULTIPART else None
    digests = sent_digests(request.headers)
    length = request.META.get("CONTENT_LENGTH", "")
    if not length:
        raise ProblemError(411, "length-required", "Send the body with Content-Length, not chunked.")
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    known = Announced(
        length=int(length),
        media_type=media_type,
        coding=coding if coding in DECODERS else "",
        filename=_filename(request),
        encoding=_codec(charset),
        digests=digests,
    )
    if known.length > _most_bytes(known, upload_type):
        raise too_large(upload_type)
    return known


def received_file(
    request: HttpRequest, known: Announced, upload_type: UploadType, *, form: FormFields | None = None
) -> AbstractContextManager[ArtifactWriter]:
    """The file of a request, once it is complete in storage. Unless its row exists after the block, it is deleted.

    With `form`, the body may have fields beside the file. Raises the errors of `Pieces`, `decoded`, `write_file_of` and
    `require_digests`, BodyTooLargeError, and StorageUnavailableError.
    """
    return stored_source(upload_type, partial(_receive, request, known, upload_type, form))


@contextmanager
def stored_source(upload_type: UploadType, fill: Callable[[ArtifactWriter], None]) -> Iterator[ArtifactWriter]:
    """The file that `fill` writes, once it is complete in storage. Without a row after the block, it is deleted.

    There is no job yet: its id and its place in the queue are of the time when the file is complete. Raises
    StorageUnavailableError, and what `fill` raises.
    """
    writer = ArtifactWriter(
        Attempt(job_id=uuid7(), fencing_token=0),  # for the name in storage only: it is not saved
        Artifact.Role.SOURCE,
        filename="",
        content_type="text/csv",
        encoding="",
        retention=upload_type.retention,
    )
    try:
        with storing():
            writer.__enter__()
        try:
            fill(writer)
        except BaseException as error:
            writer.__exit__(type(error), error, error.__traceback__)
            raise
        with storing():
            writer.__exit__(None, None, None)
        yield writer
    finally:
        writer.may_be_published = True  # the row, if there is one, tells whether the file is kept
        discard_files([writer])


def too_large(upload_type: UploadType) -> BodyTooLargeError:
    """413, naming the limit."""
    limit, name = upload_type.max_bytes, upload_type.identifier
    return BodyTooLargeError(f"The file exceeds the limit of {limit} bytes for {name}.")


def _receive(
    request: HttpRequest, known: Announced, upload_type: UploadType, form: FormFields | None, writer: ArtifactWriter
) -> None:
    body = arriving_body(request, length=known.length)
    pieces = Pieces(body, length=known.length, hashed=bool(known.digests))
    content = _at_most(_most_bytes(known, upload_type), decoded(pieces, known.coding), upload_type)
    write = _writing(writer, upload_type)
    if known.is_multipart:
        part = write_file_of(request, content, write, form)
        known.filename = part.file_name or ""
        known.encoding = _codec(part.declared_charset)
    else:
        for piece in content:
            write(piece)
    if pieces.sha256:
        require_digests(known.digests, pieces.sha256.digest())
    writer.filename = stored_filename(known.filename, upload_type)
    writer.encoding = known.encoding or ""


def _writing(writer: ArtifactWriter, upload_type: UploadType) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        if writer.size_bytes + len(data) > upload_type.max_bytes:
            raise too_large(upload_type)
        with storing():
            writer.write(data)

    return write


def _at_most(limit: int, pieces: Iterable[bytes], upload_type: UploadType) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise too_large(upload_type)
        yield piece


def _most_bytes(known: Announced, upload_type: UploadType) -> int:
    return upload_type.max_bytes + (OVERHEAD_BYTES if known.is_multipart else 0)


@contextmanager
def storing() -> Iterator[None]:
    """Any error of the storage is an outage: a full disk, a bucket that does not answer."""
    try:
        yield
    except Exception as error:
        raise StorageUnavailableError(f"the file could not be stored: {error}") from error


def _codec(charset: str | None) -> str | None:
    if charset is None:
        return None
    try:
        return codec_of(charset)
    except RecognitionError as error:
        raise ValidationError({"Content-Type": [error.detail]}) from None


def _filename(request: HttpRequest) -> str:
    try:
        _, parameters = parse_header_parameters(request.headers.get("Content-Disposition", ""))
    except (LookupError, ValueError):  # `filename*` in an encoding that does not exist
        return ""
    return str(parameters.get("filename", ""))


def stored_filename(filename: str, upload_type: UploadType) -> str:
    """The name under which the file is kept, from any text that a client may send."""
    path = PurePath(filename.replace("\\", "/").rpartition("/")[2])
    extension = path.suffix if _EXTENSION.fullmatch(path.suffix) else ""
    return safe_filename(path.name.removesuffix(extension), extension, otherwise=upload_type.identifier)
