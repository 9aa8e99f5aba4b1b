"""Requests that are cut, and several at once, over real connections."""

import json
from collections.abc import Callable
from http.client import HTTPResponse
from socket import socket

import pytest

from jobs.models import Artifact, Job
from tests.support.tus import Tus, items_file, source_of
from tests.support.waiting import wait_until
from uploads.models import ResumableUpload, UploadPart

pytestmark = pytest.mark.django_db(transaction=True)

FILE = items_file(1000)
Stored = Callable[[], set[str]]


def token() -> int:
    return ResumableUpload.objects.get().fencing_token


def offset() -> int:
    return ResumableUpload.objects.get().offset_bytes


def answer_of(connection: socket) -> tuple[int, str]:
    """Status and code of the problem that the server sends."""
    response = HTTPResponse(connection)
    response.begin()
    return response.status, json.loads(response.read())["code"]


def wait_for_token(number: int) -> None:
    wait_until(lambda: token() == number, message=f"the request with the token {number} has begun")


def test_a_request_that_is_cut_keeps_what_has_arrived(tus: Tus, stored: Stored) -> None:
    url = tus.create(1000)
    tus.begin_patch(url, 0, length=1000, data=FILE[:400]).close()
    wait_until(lambda: offset() == 400, message="the bytes are kept")
    tus.begin_patch(url, 400, length=600, data=FILE[400:401]).close()
    wait_until(lambda: offset() == 401, message="the byte is kept")
    assert tus.patch(url, 401, FILE[401:]).status_code == 204
    assert (source_of(Job.objects.get()), stored()) == (FILE, {Artifact.objects.get().storage_name})


def test_of_two_requests_at_once_the_later_one_writes(tus: Tus, stored: Stored) -> None:
    """The first one stands for a connection that is dead, which the server has not noticed yet."""
    url = tus.create(1000)
    with tus.begin_patch(url, 0, length=1000, data=b"x" * 900) as first:
        wait_for_token(1)
        assert tus.head(url).headers["Upload-Offset"] == "0"
        assert tus.patch(url, 0, FILE[:500]).status_code == 204
        first.sendall(b"x" * 100)
        assert answer_of(first) == (409, "overtaken")
    assert tus.patch(url, 500, FILE[500:]).status_code == 204
    assert (source_of(Job.objects.get()), stored()) == (FILE, {Artifact.objects.get().storage_name})


def test_two_requests_at_the_same_offset_without_asking_first(tus: Tus, stored: Stored) -> None:
    url = tus.create(1000)
    with tus.begin_patch(url, 0, length=1000, data=b"x" * 999) as first:
        wait_for_token(1)
        assert tus.patch(url, 0, FILE).status_code == 204
        first.sendall(b"x")
        assert answer_of(first) == (409, "overtaken")
    assert (source_of(Job.objects.get()), stored()) == (FILE, {Artifact.objects.get().storage_name})


def test_what_is_deleted_while_its_bytes_arrive_leaves_nothing(tus: Tus, stored: Stored) -> None:
    url = tus.create(1000)
    with tus.begin_patch(url, 0, length=1000, data=FILE[:900]) as sending:
        wait_for_token(1)
        assert tus.delete(url).status_code == 204
        sending.sendall(FILE[900:])
        assert answer_of(sending) == (409, "overtaken")
    wait_until(lambda: stored() == set(), message="the file is deleted")
    assert (Job.objects.count(), UploadPart.objects.count()) == (0, 0)
