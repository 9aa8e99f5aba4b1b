"""A client of the HTTP API that orders a report or a call, polls, downloads and verifies.

It uses only the standard library, so that it reads as documentation of the protocol.
"""

import csv
import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urljoin

from config.stack.datafolder import LaunchError

TIMEOUT_SECONDS: Final = 30.0
CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """Status, headers and JSON body of a response."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class Client:
    """One API user."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.token = token

    def open(self, path: str, *, body: object = None) -> Any:
        """Send a POST if there is a body, else a GET. Raises LaunchError with the detail of the problem."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(urljoin(self.address, path), data=data)  # noqa: S310 - http:// as given
        request.add_header("Authorization", f"Bearer {self.token}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
        except urllib.error.HTTPError as error:
            raise LaunchError(f"{request.get_method()} {path} answered {error.code}: {problem(error)}") from error
        except OSError as error:
            raise LaunchError(f"{path} cannot be reached: {error}") from error

    def call(self, path: str, *, body: object = None) -> Answer:
        with self.open(path, body=body) as response:
            return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, json.load(response))

    def order(self, path: str, order: dict[str, object]) -> Answer:
        """Order a report or a call. The Location of the response is the URL of its status."""
        answer = self.call(path, body=order)
        if answer.status != 202 or "location" not in answer.headers:
            raise LaunchError(f"the response to the order was {answer.status}, not 202 with a Location")
        return answer

    def poll(self, location: str, *, deadline: float) -> Iterator[dict[str, Any]]:
        """Poll until the response has no Retry-After: the job has ended."""
        while True:
            answer = self.call(location)
            yield answer.body
            if "retry-after" not in answer.headers:
                return
            pause = float(answer.headers["retry-after"])
            if time.monotonic() + pause > deadline:
                raise LaunchError(f"the job is still {answer.body.get('status')!r} after the demo's longest wait")
            time.sleep(pause)

    def download(self, path: str, target: Path) -> "Download":
        """Download the file in pieces and hash them."""
        digest, size = hashlib.sha256(), 0
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.open(path) as response, target.open("wb") as file:
            while chunk := response.read(CHUNK_BYTES):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        return Download(target, size, digest.hexdigest())


@dataclass(frozen=True)
class Download:
    """A downloaded file."""

    path: Path
    size_bytes: int
    sha256: str

    def row_count(self) -> int:
        """Rows without the heading, counted by a CSV reader because a field may contain a line break."""
        with self._reader() as file:
            return sum(1 for _ in csv.reader(file)) - 1

    def head(self, lines: int) -> list[str]:
        with self._reader() as file:
            return [line.rstrip("\r\n") for line, _ in zip(file, range(lines), strict=False)]

    def verify(self, status: dict[str, Any]) -> None:
        """Compare the file with the status. Raises LaunchError."""
        found = {"sizeBytes": self.size_bytes, "sha256": self.sha256, "rowCount": self.row_count()}
        for name, value in found.items():
            if status.get(name) != value:
                raise LaunchError(f"{name} of the download is {value}, but the status says {status.get(name)}")

    def _reader(self) -> IO[str]:
        return self.path.open(encoding="utf-8", newline="")


def problem(error: urllib.error.HTTPError) -> str:
    """The detail of an RFC 9457 body, else the HTTP reason."""
    try:
        body = json.load(error)
        return str(body.get("detail") or body.get("title") or body)
    except (ValueError, AttributeError):
        return str(error.reason)
