"""An S3 server: moto's, over HTTP."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from subprocess import DEVNULL, Popen
from typing import Any, Final

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
