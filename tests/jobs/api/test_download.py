"""Download: one file, with ranges and validators."""

import base64
import hashlib
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone
from rest_framework.test import APIClient

from jobs.api.download import content_disposition, parse_range
from jobs.models import Artifact, Job
from jobs.states import State

pytestmark = pytest.mark.django_db

CONTENT = bytes(range(256)) * 40
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.fixture
def artifact(make_job: Callable[..., Job]) -> Artifact:
    now = timezone.now()
    return Artifact.objects.create(
        job=make_job(kind="report", state=State.SUCCEEDED, payload={"reportType": "x", "parameters": {}, "csv": {}}),
        attempt=1, role="result", filename="売上.csv", content_type="text/csv; charset=utf-8", encoding="utf-8",
        row_count=1, size_bytes=len(CONTENT), sha256=ETAG.strip('"'), published_at=now,
        expires_at=now + timedelta(days=1),
        storage_name=storages["artifacts"].save("download-test", ContentFile(CONTENT)),
    )  # fmt: skip


@pytest.fixture
def get(artifact: Artifact, owner: User) -> Callable[..., Any]:
    client = APIClient()
    client.force_authenticate(owner)
    return lambda method="get", **headers: getattr(client, method)(
        f"/api/reports/{artifact.job_id}/download", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_the_whole_file_with_its_headers(get: Callable[..., Any], artifact: Artifact) -> None:
    response = get()
    assert response.status_code == 200
    assert body(response) == CONTENT
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    expected = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Length": "10240",
        "ETag": ETAG,
        "Accept-Ranges": "bytes",
        "Repr-Digest": f"sha-256=:{digest}:",
        "Cache-Control": "private, no-transform",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": "attachment; filename=\"__.csv\"; filename*=UTF-8''%E5%A3%B2%E4%B8%8A.csv",
    }
    assert {name: response[name] for name in expected} == expected
    assert response["Expires"].endswith("GMT")


@pytest.mark.parametrize("accept", ["text/csv", "application/octet-stream", "text/html,*/*;q=0.1", "nonsense"])
def test_any_accept_header_gets_the_file(accept: str, get: Callable[..., Any]) -> None:
    assert get(Accept=accept).status_code == 200


def test_head_has_the_headers_and_no_body(get: Callable[..., Any]) -> None:
    response = get("head")
    assert (response.status_code, response["Content-Length"], response.content) == (200, "10240", b"")


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), ("bytes=10000-", 10000, 10239), ("bytes=-5", 10235, 10239),
     ("bytes=0-999999", 0, 10239), ("bytes=-999999", 0, 10239)],
)  # fmt: skip
def test_a_range(header: str, first: int, last: int, get: Callable[..., Any]) -> None:
    response = get(Range=header)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/10240"
    assert response["Content-Length"] == str(last - first + 1)
    assert body(response) == CONTENT[first : last + 1]


@pytest.mark.parametrize("header", ["bytes=10240-", "bytes=-0", "bytes=99999-100000"])
def test_a_range_outside_of_the_file_is_416(header: str, get: Callable[..., Any]) -> None:
    response = get(Range=header)
    assert (response.status_code, response["Content-Range"]) == (416, "bytes */10240")
    assert response["Content-Type"] == "application/problem+json"
    detail = "The file has 10240 bytes."
    assert (response.json()["code"], response.json()["detail"]) == ("range-not-satisfiable", detail)


@pytest.mark.parametrize(
    "header",
    ["bytes=5-1", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "nonsense", f"bytes=0-{'9' * 3900}"],
)
def test_a_range_that_makes_no_sense_is_ignored(header: str, get: Callable[..., Any]) -> None:
    assert get(Range=header).status_code == 200


def test_if_range_with_another_etag_sends_the_whole_file(get: Callable[..., Any]) -> None:
    assert get(Range="bytes=0-1", If_Range='"other"').status_code == 200
    assert get(Range="bytes=0-1", If_Range=ETAG).status_code == 206


def test_if_range_may_be_the_time_that_the_file_was_last_modified(get: Callable[..., Any]) -> None:
    assert get(Range="bytes=0-1", If_Range=get()["Last-Modified"]).status_code == 206
    assert get(Range="bytes=0-1", If_Range=LONG_AGO).status_code == 200


def test_head_knows_no_ranges(get: Callable[..., Any]) -> None:
    response = get("head", Range="bytes=0-1")
    assert (response.status_code, response["Content-Length"]) == (200, "10240")


LONG_AGO, FAR_AHEAD = "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_None_Match": ETAG}, 304),
        ({"If_None_Match": f"W/{ETAG}"}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"other"'}, 200),
        ({"If_None_Match": ETAG, "Range": "bytes=0-1"}, 304),
        ({"If_Modified_Since": FAR_AHEAD}, 304),
        ({"If_Modified_Since": LONG_AGO}, 200),
        ({"If_Match": ETAG}, 200),
        ({"If_Match": '"other"'}, 412),
        ({"If_Match": ETAG, "Range": "bytes=0-1"}, 206),
        ({"If_Unmodified_Since": LONG_AGO}, 412),
    ],
)
def test_preconditions(headers: dict[str, str], status: int, get: Callable[..., Any]) -> None:
    response = get(**headers)
    assert (response.status_code, response["ETag"]) == (status, ETAG)
    assert status != 412 or response.json()["code"] == "precondition-failed"


def lose(artifact: Artifact) -> None:
    storages["artifacts"].delete(artifact.storage_name)


def truncate(artifact: Artifact) -> None:
    os.truncate(storages["artifacts"].path(artifact.storage_name), 5000)


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_folder_that_cannot_be_read_is_503_and_no_damage(
    method: str, get: Callable[..., Any], artifact: Artifact
) -> None:
    path = Path(storages["artifacts"].path(artifact.storage_name))
    path.unlink()
    path.symlink_to(path)  # the kernel refuses it: "Too many levels of symbolic links"
    try:
        response = get(method)
    finally:
        path.unlink()
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    artifact.refresh_from_db()
    assert artifact.damaged_at is None


@pytest.mark.parametrize("hurt", [lose, truncate])
@pytest.mark.parametrize("request_of", [{}, {"method": "head"}, {"Range": "bytes=0-9"}, {"Range": "bytes=9000-"}])
def test_a_file_that_storage_has_lost_or_shortened_is_410_and_the_row_says_so(
    hurt: Callable[[Artifact], None], request_of: dict[str, str], get: Callable[..., Any], artifact: Artifact
) -> None:
    hurt(artifact)
    response = get(**request_of)
    assert response.status_code == 410
    assert request_of.get("method") or response.json()["code"] == "file-lost"
    artifact.refresh_from_db()
    assert artifact.damaged_at is not None
    assert not artifact.job.events.filter(name="downloaded").exists()


def test_a_file_that_is_back_can_be_downloaded_again(get: Callable[..., Any], artifact: Artifact) -> None:
    lose(artifact)
    get()
    Artifact.objects.get(damaged_at__isnull=False)
    storages["artifacts"].save(artifact.storage_name, ContentFile(CONTENT))
    assert body(get()) == CONTENT
    artifact.refresh_from_db()
    assert artifact.damaged_at is None


def test_an_expired_file_is_410_and_the_status_says_so(
    get: Callable[..., Any], artifact: Artifact, owner: User
) -> None:
    Artifact.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert get().json()["code"] == "expired"
    client = APIClient()
    client.force_authenticate(owner)
    assert client.get(f"/api/reports/{artifact.job_id}/status").json()["status"] == "Expired"


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        (State.QUEUED, 409, "not-ready"),
        (State.RUNNING, 409, "not-ready"),
        (State.FAILED, 409, "not-ready"),
        (State.DEAD, 409, "report-failed"),
        (State.CANCELLED, 410, "canceled"),
    ],
)
def test_what_is_not_complete_cannot_be_downloaded(
    state: State, status: int, code: str, get: Callable[..., Any], artifact: Artifact
) -> None:
    Artifact.objects.all().delete()
    Job.objects.update(state=state)
    response = get()
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert ("Retry-After" in response) == (code == "not-ready")


def test_a_file_name_cannot_inject_a_header() -> None:
    assert content_disposition('a"\r\nX: y;.csv') == (
        "attachment; filename=\"a___X__y_.csv\"; filename*=UTF-8''a%22%0D%0AX%3A%20y%3B.csv"
    )


def test_ranges_of_an_empty_file_cannot_be_satisfied() -> None:
    assert parse_range("bytes=0-", 0) == ()
