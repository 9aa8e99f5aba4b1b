"""A client of tus that sends what a test tells it to, over real HTTP."""

from __future__ import annotations

import base64
import socket
from contextlib import closing
from functools import cache
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
from django.contrib.auth.models import User

from jobs.files.artifacts import open_artifact_range
from jobs.models import Artifact, Job
from tests.support.tokens import bearer_of

CHUNK: Final = "application/offset+octet-stream"
HEADING: Final = b"Code,Name,Price\r\n"
ROW: Final = b"A-%010d,Bolt %d,1.50\r\n"


@cache
def items_file(size: int) -> bytes:
    """A file of items with exactly so many bytes; no two of its rows are equal.

    A module that makes a large one at its top would do so in each process of a run.
    """
    numbers = range(size // len(ROW % (0, 0)) + 1)
    return b"".join([HEADING, *(ROW % (number, number) for number in numbers)])[:size]


def encoded(metadata: dict[str, str]) -> str:
    """The field `Upload-Metadata`."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in metadata.items())


class Tus:
    """Requests of one user. `session` adds the token and the version to each."""

    def __init__(self, url: str, user: User, *scopes: str) -> None:
        self.base = url
        self.url = f"{url}/api/uploads/resumable"
        self.bearer = bearer_of(user, *scopes)
        self.session = requests.Session()
        self.session.headers.update({"Authorization": f"Bearer {self.bearer}", "Tus-Resumable": "1.0.0"})

    def post(self, length: int, *, data: bytes = b"", headers: dict[str, str] | None = None, **metadata: Any) -> Any:
        """Create an upload of items."""
        fields = {"Upload-Length": str(length), **({"Content-Type": CHUNK} if data else {})}
        fields["Upload-Metadata"] = encoded({"uploadType": "items", "filename": "items.csv", **metadata})
        return self.session.post(self.url, data=data, headers={**fields, **(headers or {})}, timeout=60)

    def create(self, length: int, **metadata: Any) -> str:
        """The URL of a new upload."""
        made = self.post(length, **metadata)
        assert made.status_code == 201, made.text
        location: str = made.headers["Location"]
        return urljoin(self.base, location)

    def head(self, url: str) -> Any:
        """Ask for the offset."""
        return self.session.head(url, timeout=60)

    def patch(self, url: str, offset: int, data: bytes, **headers: str) -> Any:
        """Append bytes."""
        fields = {"Content-Type": CHUNK, "Upload-Offset": str(offset)}
        return self.session.patch(url, data=data, headers={**fields, **headers}, timeout=120)

    def delete(self, url: str) -> Any:
        """Delete an upload."""
        return self.session.delete(url, timeout=60)

    def begin_patch(self, url: str, offset: int, *, length: int, data: bytes) -> socket.socket:
        """Announce `length` bytes, send only `data`, and return the connection, which the test closes."""
        parts = urlsplit(url)
        connection = socket.create_connection((str(parts.hostname), parts.port or 80), timeout=60)
        head = (
            f"PATCH {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {self.bearer}\r\n"
            f"Tus-Resumable: 1.0.0\r\nContent-Type: {CHUNK}\r\nUpload-Offset: {offset}\r\n"
            f"Content-Length: {length}\r\n\r\n"
        )
        connection.sendall(head.encode() + data)
        return connection


def source_of(job: Job) -> bytes:
    """The file that a job has received."""
    artifact = Artifact.objects.get(job=job, role="source")
    if not artifact.size_bytes:
        return b""
    with closing(open_artifact_range(artifact, first=0, last=artifact.size_bytes - 1)) as stored:
        return b"".join(stored)
