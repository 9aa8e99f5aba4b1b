"""An S3 server (moto's, over HTTP), and a proxy in front of it that counts what is fetched."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from subprocess import DEVNULL, Popen
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import requests

from config.stack.probing import free_port
from tests.support.waiting import wait_until

BUCKET: Final = "longhaul"
#: Keys of artifacts begin with it: a bucket may hold other things, too.
PREFIX: Final = "some/prefix"
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3_server() -> Iterator[str]:
    """The URL of a server with one empty bucket. boto3 finds its credentials in the environment afterwards."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = "import sys; from moto.server import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(port)]
    with Popen(command, stdout=DEVNULL, stderr=DEVNULL) as moto:
        try:
            wait_until(lambda: _answers(url), timeout=60, message="moto answers")
            os.environ.update(CREDENTIALS)
            client(url).create_bucket(Bucket=BUCKET)
            yield url
        finally:
            moto.terminate()


@cache
def client(url: str) -> Any:
    """A client of boto3's for this server; each new one would read the descriptions of all of S3."""
    return boto3.client("s3", endpoint_url=url)


def storage_url(url: str) -> str:
    """`STORAGE_URL` for the bucket of this server."""
    return f"s3://{BUCKET}/{PREFIX}?endpoint_url={url}"


def keys(url: str) -> list[str]:
    """The keys of all objects in the bucket."""
    return [found["Key"] for found in client(url).list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def uploads(url: str) -> list[str]:
    """The keys of the multipart uploads that nobody has completed or aborted."""
    return [found["Key"] for found in client(url).list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())]


def empty(url: str) -> None:
    """Delete all objects, and abort all uploads."""
    for key in keys(url):
        client(url).delete_object(Bucket=BUCKET, Key=key)
    for found in client(url).list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()):
        client(url).abort_multipart_upload(Bucket=BUCKET, Key=found["Key"], UploadId=found["UploadId"])


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


class CountingProxy:
    """Forwards TCP connections, and counts the bytes that the server behind it has answered; a context manager.

    Reading waits while the client does not read, so a client that wants little is sent little.
    """

    def __init__(self, url: str) -> None:
        self._target = (urlsplit(url).hostname, urlsplit(url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        #: Bytes that the server sent.
        self.received = 0
        #: After so many bytes of an answer the connection is cut; None: never.
        self.cut_after: int | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> CountingProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                ours, _ = self._listener.accept()
                theirs = socket.create_connection(self._target)
                threading.Thread(target=self._forward, args=(ours, theirs, False), daemon=True).start()
                threading.Thread(target=self._forward, args=(theirs, ours, True), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        passed = 0
        with suppress(OSError), source, sink:
            while data := source.recv(65536):
                if counted:
                    passed += len(data)
                    with self._lock:
                        self.received += len(data)
                    if self.cut_after is not None and passed > self.cut_after:
                        break
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
            source.shutdown(socket.SHUT_RDWR)
