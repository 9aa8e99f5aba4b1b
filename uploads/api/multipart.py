"""The one file of a `multipart/form-data` body, handed on piece by piece as Django parses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.exceptions import ParseError, ValidationError

#: The name of the file's field.
FIELD: Final = "file"
#: How much a body may be larger than its file: boundaries and part headers. Bytes.
OVERHEAD_BYTES: Final = 64 * 1024


@dataclass
class FormFields:
    """The fields of a form beside its file.

    `check` is called once, with the fields that come before the file, as soon as the file begins. It may raise, and
    then no byte of the file is written. `values` are all fields, once the body has been read.
    """

    check: Callable[[QueryDict], None]
    values: QueryDict = field(default_factory=QueryDict)


class Stream:
    """Pieces as a file that Django's parser reads."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        """At most `size` bytes; empty at the end."""
        data = self._rest or next(self._pieces, b"")
        self._rest = data[size:]
        return data[:size]


class OneFile(FileUploadHandler):
    """Hands on the chunks of the file, which is held neither in memory nor in a temporary file."""

    chunk_size = 256 * 1024

    def __init__(self, write: Callable[[bytes], None], *, begin: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._write = write
        self._begin = begin
        self.files = 0

    @property
    def declared_charset(self) -> str | None:
        """That of the part. Django hands it on as bytes."""
        charset: Any = self.charset
        return charset.decode("ascii", "replace") if isinstance(charset, bytes) else charset

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        """Raises ValidationError for a file in another field, and for a second file."""
        super().new_file(field_name, *args, **kwargs)
        if field_name != FIELD:
            raise ValidationError({field_name: ["There is no such field."]})
        self.files += 1
        if self.files > 1:
            raise ValidationError({FIELD: ["Send one file."]})
        self._begin()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Return nothing, so that no other handler gets the chunk."""
        self._write(raw_data)

    def file_complete(self, file_size: int) -> None:
        """Return nothing: `request.FILES` stays empty."""


def write_file_of(
    request: HttpRequest, pieces: Iterable[bytes], write: Callable[[bytes], None], form: FormFields | None = None
) -> OneFile:
    """Parse the body and write its file. The answer knows `file_name` and `declared_charset`.

    Raises ParseError (400) if the body is malformed, ValidationError if it has no file or (unless it is a `form`)
    anything else, and whatever `pieces`, `write` and `form.check` raise.
    """
    stream = iter(pieces)
    # The parser shows the fields only when it has read the whole body, which is too late to refuse the file.
    handler = OneFile(write, begin=lambda: form.check(parser._post) if form else None)  # type: ignore[attr-defined]
    try:
        parser = MultiPartParser(request.META, Stream(stream), [handler], "utf-8")  # type: ignore[arg-type]
        fields, _ = parser.parse()
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise ParseError(f"The body is not valid multipart/form-data: {error}.") from None
    for _ in stream:  # what follows the last boundary
        pass
    if form is not None:
        form.values = fields
        if handler.files == 0:
            form.check(fields)
    elif unknown := {name: ["There is no such field."] for name in fields if name != FIELD}:
        raise ValidationError(unknown)
    if handler.files == 0:
        raise ValidationError({FIELD: ["Send the file as a part with a file name."]})
    return handler
