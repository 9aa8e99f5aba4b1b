"""Artifacts in S3 or a compatible storage: written in parts, read in ranges, never whole in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from jobs.files.byte_ranges import StoredRange
from jobs.files.storage import UnfinishedUpload

#: The maximum number of parts of an object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
PARTS: Final = 10_000
#: The size of the first parts. Later parts are larger, so that an object can reach S3's limit of 5 TiB. As many as
#: possible are equal, since Cloudflare R2 accepts only equal parts.
FIRST_PART_BYTES: Final = 8 * 1024 * 1024
#: The part size doubles after every so many parts.
EQUAL_PARTS: Final = 1_000
#: A part is buffered in memory up to this size, and beyond it in a temporary file.
PART_BYTES_IN_MEMORY: Final = 16 * 1024 * 1024

#: Timeouts for connecting and for each read, since a user's request and a thread of the web server wait meanwhile.
#: botocore's defaults are 60 s each and five attempts.
CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 10
TRIALS: Final = 2

#: Making a client is not thread-safe: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html
_CLIENT_LOCK: Final = Lock()


def part_bytes(number: int) -> int:
    """The size of a part, counted from 1: 8 MiB, doubled after each 1,000 parts."""
    return FIRST_PART_BYTES << (number - 1) // EQUAL_PARTS


class ArtifactBucket(S3Storage):  # type: ignore[misc]
    """django-storages' S3 storage, except that it does not fetch a whole object for a range of it.

    All threads share two thread-safe clients; django-storages makes one for each thread, which takes 13 MB.
    """

    #: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
    dates_files_by_beginning = True

    @cached_property
    def _client(self) -> Any:
        """The client that looks up and reads files."""
        bounds = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": TRIALS, "mode": "standard"},
        )
        return self._make_client(self.client_config.merge(bounds))

    @cached_property
    def _writing_client(self) -> Any:
        """A client with botocore's long timeouts: some storages take long to assemble the parts of an upload."""
        return self._make_client(self.client_config)

    @cached_property
    def _session(self) -> Any:
        return self._create_session()

    def _make_client(self, config: Config) -> Any:
        with _CLIENT_LOCK:
            return self._session.client(
                "s3",
                region_name=self.region_name,
                use_ssl=self.use_ssl,
                endpoint_url=self.endpoint_url,
                config=config,
                verify=self.verify,
            )

    def _place(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(name)}

    def open_for_writing(self, name: str) -> PartsWriter:
        """Begin an object. It exists once the file is closed."""
        place = self._place(name)
        return PartsWriter(self._writing_client, place, self._get_write_parameters(place["Key"]))

    def open_range(self, name: str, *, first: int, last: int) -> StoredRange:
        """The bytes from `first` to `last`; only these are requested."""
        length = last - first + 1
        wanted = {"Range": f"bytes={first}-{last}"} if length else {}
        with _errors_as_in_a_folder(name):
            found = self._client.get_object(**self._place(name), **wanted)
        stored_bytes = int(found["ContentRange"].rpartition("/")[2]) if wanted else found["ContentLength"]
        body = found["Body"]
        return StoredRange(length=length, stored_bytes=stored_bytes, read=body.read, close=body.close)

    def unfinished_uploads(self, folder: str) -> Iterator[UnfinishedUpload]:
        """The multipart uploads that were neither completed nor aborted. Their parts cost money."""
        prefix = self._normalize_name(f"{folder}/")
        within = len(prefix) - len(f"{folder}/")
        pages = self._client.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=self.bucket_name, Prefix=prefix):
            for found in page.get("Uploads", ()):
                yield UnfinishedUpload(found["Key"][within:], found["UploadId"], found["Initiated"])

    def abort_upload(self, upload: UnfinishedUpload) -> None:
        """Delete the parts of the upload, if they still exist."""
        with suppress(self._client.exceptions.NoSuchUpload):
            self._client.abort_multipart_upload(**self._place(upload.name), UploadId=upload.upload_id)

    def size(self, name: str) -> int:
        """The size of the object in bytes. Raises FileNotFoundError."""
        return int(self._head(name)["ContentLength"])

    def get_modified_time(self, name: str) -> datetime:
        """When the object was completed. Raises FileNotFoundError."""
        modified: datetime = self._head(name)["LastModified"]
        return modified

    def delete(self, name: str) -> None:
        """Delete the object, if it exists."""
        with _errors_as_in_a_folder(name):
            self._client.delete_object(**self._place(name))

    def _head(self, name: str) -> Any:
        with _errors_as_in_a_folder(name):
            return self._client.head_object(**self._place(name))


class PartsWriter:
    """An object that is being written: in one request if it is small, else as a multipart upload, a part at a time.

    Raises what boto3 raises.
    """

    def __init__(self, client: Any, place: dict[str, str], parameters: dict[str, Any]) -> None:
        self._client = client
        self._place = place
        self._parameters = parameters
        self._part = SpooledTemporaryFile(PART_BYTES_IN_MEMORY)  # noqa: SIM115  (closed by `close` and `abort`)
        self._buffered = 0
        self._upload_id = ""
        self._parts: list[dict[str, Any]] = []

    def write(self, data: bytes, /) -> None:
        """Append `data`, and send each part that is full."""
        rest = memoryview(data)
        while rest:
            room = part_bytes(len(self._parts) + 1) - self._buffered
            self._buffered += self._part.write(rest[:room])
            rest = rest[room:]
            if self._buffered == part_bytes(len(self._parts) + 1):
                self._send_part()

    def sync(self) -> None:
        """Do nothing: object storage has all of a part or nothing of it."""

    def close(self) -> None:
        """Complete the object."""
        try:
            if not self._upload_id:
                self._part.seek(0)
                self._client.put_object(**self._place, **self._parameters, Body=self._part)
            else:
                if self._buffered:
                    self._send_part()
                self._client.complete_multipart_upload(
                    **self._place, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
                )
        except BaseException:
            with suppress(Exception):  # the first error matters more; a sweep will abort the upload
                self.abort()
            raise
        self._part.close()

    def abort(self) -> None:
        """Delete the parts that were sent."""
        self._part.close()
        if self._upload_id:
            self._client.abort_multipart_upload(**self._place, UploadId=self._upload_id)

    def _send_part(self) -> None:
        if not self._upload_id:
            self._upload_id = self._client.create_multipart_upload(**self._place, **self._parameters)["UploadId"]
        number = len(self._parts) + 1
        self._part.seek(0)
        sent = self._client.upload_part(
            **self._place, UploadId=self._upload_id, PartNumber=number, Body=self._part, ContentLength=self._buffered
        )
        self._parts.append({"ETag": sent["ETag"], "PartNumber": number})
        self._part.seek(0)
        self._part.truncate()
        self._buffered = 0


@contextmanager
def _errors_as_in_a_folder(name: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            raise FileNotFoundError(f"{name} is not in the bucket") from None
        if status == 416:
            raise EOFError(f"{name} ends before this range") from None
        raise OSError(str(error)) from error
    except BotoCoreError as error:  # no connection, no answer in time
        raise OSError(str(error)) from error
