"""tus 1.0, line by line, over real HTTP."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from django.utils.http import parse_http_date

from jobs.models import Artifact, Job, Preferences, Queue
from tests.support.tus import CHUNK, Tus, encoded, items_file, source_of
from uploads.models import ResumableUpload, UploadPart

pytestmark = pytest.mark.django_db(transaction=True)

FILE = items_file(1000)
Stored = Callable[[], set[str]]


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem; each has the version of tus."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    if answer.request.method == "HEAD":
        return {}
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["code"], problem["status"]) == (code, status)
    return problem


def checksum(data: bytes, algorithm: str = "sha1") -> dict[str, str]:
    digest = base64.b64encode(hashlib.new(algorithm, data).digest()).decode()
    return {"Upload-Checksum": f"{algorithm} {digest}"}


def test_a_file_in_three_requests_is_one_upload(tus: Tus, owner: User, stored: Stored) -> None:
    made = tus.post(1000, mode="partial", delimiter=";", encoding="Windows-31J", filename="C:\\tmp\\品.csv")
    assert (made.status_code, made.headers["Tus-Resumable"]) == (201, "1.0.0")
    upload = ResumableUpload.objects.get()
    assert made.headers["Location"] == f"/api/uploads/resumable/{upload.pk}"
    expires = parse_http_date(made.headers["Upload-Expires"]) - timezone.now().timestamp()
    assert 24 * 3600 - 60 < expires <= 24 * 3600
    url = urljoin(tus.url, made.headers["Location"])
    for offset, end in ((0, 300), (300, 301)):
        answer = tus.patch(url, offset, FILE[offset:end])
        assert (answer.status_code, answer.content) == (204, b"")
        assert (answer.headers["Upload-Offset"], answer.headers["Tus-Resumable"]) == (str(end), "1.0.0")
        assert "Upload-Expires" in answer.headers
        assert "Location" not in answer.headers
    answer = tus.patch(url, 301, FILE[301:])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "1000")
    job = Job.objects.get()
    assert answer.headers["Location"] == f"/api/uploads/{job.pk}/status"
    assert (job.owner, job.type, job.payload["mode"]) == (owner, "items", "partial")
    assert job.payload["csv"] == {"encoding": "cp932", "delimiter": ";"}
    sha256 = hashlib.sha256(FILE).hexdigest()
    assert job.payload["file"] == {"filename": "品.csv", "sizeBytes": 1000, "sha256": sha256}
    assert source_of(job) == FILE
    assert stored() == {Artifact.objects.get().storage_name}
    assert UploadPart.objects.count() == 0
    status = tus.session.get(urljoin(tus.url, answer.headers["Location"]), timeout=10)
    assert (status.status_code, status.json()["status"]) == (200, "Queued")


def test_head_tells_how_far_it_is(tus: Tus) -> None:
    metadata = {"uploadType": "items", "filename": "items.csv", "relativePath": "null"}
    url = tus.create(1000, relativePath="null")
    tus.patch(url, 0, FILE[:10])
    answer = tus.head(url)
    assert (answer.status_code, answer.content) == (200, b"")
    found = {name: answer.headers.get(name) for name in ("Upload-Offset", "Upload-Length", "Tus-Resumable")}
    assert found == {"Upload-Offset": "10", "Upload-Length": "1000", "Tus-Resumable": "1.0.0"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Upload-Metadata"] == encoded(metadata)
    assert "ETag" not in answer.headers


def test_a_client_that_lost_the_last_answer_finds_the_job(tus: Tus) -> None:
    url = tus.create(1000)
    status = tus.patch(url, 0, FILE).headers["Location"]
    for _ in range(2):
        answer = tus.head(url)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (200, "1000")
        assert answer.headers["Location"] == status
        assert "Upload-Expires" not in answer.headers
    assert_problem(tus.patch(url, 0, FILE), 409, "wrong-offset")
    again = tus.patch(url, 1000, b"")
    assert (again.status_code, again.headers["Location"]) == (204, status)
    assert Job.objects.count() == 1


def test_options_tells_anybody_what_the_server_can_do(tus: Tus, owner: User) -> None:
    url = tus.create(10)
    for asked in (tus.url, url):
        answer = requests.options(asked, headers={"Authorization": f"Bearer {tus.bearer}"}, timeout=10)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Extension"] == "creation,creation-with-upload,expiration,checksum,termination"
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
        assert answer.headers["Tus-Max-Size"] == str(5 * 1024**3)
        assert "Tus-Resumable" not in answer.headers
    assert requests.options(tus.url, timeout=10).headers["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1"])
def test_another_version_is_412_and_changes_nothing(version: str | None, tus: Tus) -> None:
    url = tus.create(1000)
    tus.session.headers["Tus-Resumable"] = version  # type: ignore[assignment]  # None leaves it out
    for answer in (tus.post(10), tus.head(url), tus.patch(url, 0, FILE), tus.delete(url)):
        assert_problem(answer, 412, "unsupported-tus-version")
        assert answer.headers["Tus-Version"] == "1.0.0"
    upload = ResumableUpload.objects.get()
    assert (upload.offset_bytes, upload.fencing_token) == (0, 0)


def test_every_answer_has_the_version(tus: Tus) -> None:
    url = tus.create(1000)
    assert_problem(requests.post(tus.url, timeout=10), 401, "not-authenticated")
    assert_problem(tus.session.get(url, timeout=10), 405, "method-not-allowed")
    assert_problem(tus.session.put(tus.url, timeout=10), 405, "method-not-allowed")
    chunked = tus.session.patch(url, data=iter([b"x"]), headers={"Content-Type": CHUNK}, timeout=10)
    assert_problem(chunked, 411, "length-required")


@pytest.mark.parametrize("method", ["PATCH", "HEAD", "DELETE", "OPTIONS"])
def test_the_method_may_be_in_a_field(method: str, tus: Tus) -> None:
    url = tus.create(1000)
    fields = {"X-HTTP-Method-Override": method, "Content-Type": CHUNK, "Upload-Offset": "0"}
    answer = tus.session.post(url, data=FILE[:5] if method == "PATCH" else b"", headers=fields, timeout=10)
    expected = {"PATCH": 204, "HEAD": 200, "DELETE": 204, "OPTIONS": 204}
    assert (answer.status_code, answer.content) == (expected[method], b"")
    if method in ("PATCH", "HEAD"):
        assert answer.headers["Upload-Offset"] == ("5" if method == "PATCH" else "0")
    assert ResumableUpload.objects.exists() is (method != "DELETE")


@pytest.mark.parametrize("media_type", ["text/csv", "application/octet-stream", "application/json", ""])
def test_a_chunk_has_its_own_media_type(media_type: str, tus: Tus) -> None:
    url = tus.create(1000)
    assert_problem(tus.patch(url, 0, FILE, **{"Content-Type": media_type}), 415, "unsupported-media-type")
    answer = tus.post(1000, data=FILE, headers={"Content-Type": media_type})
    assert_problem(answer, 415, "unsupported-media-type")
    assert ResumableUpload.objects.get().offset_bytes == 0


def test_a_wrong_offset_is_409_and_takes_nothing_over(tus: Tus, stored: Stored) -> None:
    url = tus.create(1000)
    tus.patch(url, 0, FILE[:100])
    before = ResumableUpload.objects.get()
    for offset in (0, 99, 101, 1000, 2000):
        problem = assert_problem(tus.patch(url, offset, b""), 409, "wrong-offset")
        assert problem["detail"] == "The next byte of this upload is number 100."
    for wrong in ("", "-1", "1.0", "x", "٣", str(2**53)):
        answer = tus.patch(url, 0, b"", **{"Upload-Offset": wrong.encode()})  # type: ignore[arg-type]
        problem = assert_problem(answer, 400, "invalid-request")
        assert [error["pointer"] for error in problem["errors"]] == ["#/Upload-Offset"]
    after = ResumableUpload.objects.get()
    assert (after.offset_bytes, after.fencing_token, len(stored())) == (100, before.fencing_token, 1)


def test_more_bytes_than_announced_are_413(tus: Tus, stored: Stored) -> None:
    url = tus.create(1000)
    assert_problem(tus.patch(url, 0, FILE + b"x"), 413, "body-too-large")
    assert_problem(tus.post(999, data=FILE), 413, "body-too-large")
    assert stored() == set()


def test_a_file_beyond_the_limit_of_its_type_is_413_at_once(tus: Tus) -> None:
    assert_problem(tus.post(5 * 1024**3 + 1), 413, "body-too-large")
    assert not ResumableUpload.objects.exists()
    tus.create(5 * 1024**3)


@pytest.mark.parametrize("length", ["", "-1", "1e3", "9007199254740993"])
def test_the_length_is_required(length: str, tus: Tus) -> None:
    problem = assert_problem(tus.post(0, headers={"Upload-Length": length}), 400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["#/Upload-Length"]
    answer = tus.session.post(tus.url, headers={"Upload-Defer-Length": "1"}, timeout=10)
    assert assert_problem(answer, 400, "invalid-request")["errors"][0]["pointer"] == "#/Upload-Defer-Length"


@pytest.mark.parametrize(
    ("metadata", "pointers"),
    [
        ({"mode": "some", "dryRun": "yes", "delimiter": "x", "encoding": "utf-7"},
         ["#/delimiter", "#/dryRun", "#/encoding", "#/mode"]),
        ({"plan": "a b", "callbackURL": "ftp://a"}, ["#/callbackURL", "#/plan"]),
        ({"corrects": "01994f2a-7c1e-7b3a-9d52-0a6c3e5f7b82"}, ["#/corrects"]),
        ({"uploadType": ""}, ["#/uploadType"]),
    ],
)  # fmt: skip
def test_metadata_is_validated_as_the_query_string_is(metadata: dict[str, Any], pointers: list[str], tus: Tus) -> None:
    problem = assert_problem(tus.post(1000, **metadata), 400, "invalid-request")
    assert sorted(error["pointer"] for error in problem["errors"]) == pointers
    assert not ResumableUpload.objects.exists()


def test_an_unknown_type_and_one_of_others_are_400(tus: Tus, live_url: str) -> None:
    assert "items" in assert_problem(tus.post(10, uploadType="nothing"), 400, "unknown-upload-type")["uploadTypes"]
    eve = Tus(live_url, User.objects.create_user("eve"))
    assert_problem(eve.post(10), 400, "unknown-upload-type")


def test_an_upload_of_others_is_an_unknown_one(tus: Tus, live_url: str, owner: User) -> None:
    url = tus.create(1000)
    eve = Tus(live_url, User.objects.create_user("eve"))
    unknown = f"{tus.url}/01994f2a-7c1e-7b3a-9d52-0a6c3e5f7b82"
    for act in (eve.head, eve.delete, lambda asked: eve.patch(asked, 0, FILE)):
        theirs, nobodys = act(url), act(unknown)
        assert_problem(theirs, 404, "not-found")
        assert theirs.content == nobodys.content
        assert "Upload-Offset" not in theirs.headers
        assert_problem(act(f"{tus.url}/nonsense"), 404, "not-found")
    reader = Tus(live_url, owner, "uploads:read")
    assert_problem(reader.head(url), 403, "insufficient-scope")
    writer = Tus(live_url, owner, "uploads:write")
    assert writer.patch(url, 0, FILE).status_code == 204


def test_creation_with_all_bytes_or_some(tus: Tus, stored: Stored) -> None:
    some = tus.post(1000, data=FILE[:400])
    assert (some.status_code, some.headers["Upload-Offset"]) == (201, "400")
    url = urljoin(tus.url, some.headers["Location"])
    assert tus.patch(url, 400, FILE[400:]).status_code == 204
    whole = tus.post(1000, data=FILE)
    assert (whole.status_code, whole.headers["Upload-Offset"]) == (201, "1000")
    assert tus.head(urljoin(tus.url, whole.headers["Location"])).headers["Location"] == whole.json()["statusURL"]
    assert [source_of(job) for job in Job.objects.all()] == [FILE, FILE]
    answer = tus.post(1000, data=FILE[:400], headers=checksum(b"other"))
    assert_problem(answer, 460, "checksum-mismatch")
    assert ResumableUpload.objects.count() == 2
    assert len(stored()) == 2


def test_an_empty_file_is_complete_at_its_creation(tus: Tus) -> None:
    made = tus.post(0)
    assert (made.status_code, made.headers["Upload-Offset"]) == (201, "0")
    answer = tus.head(urljoin(tus.url, made.headers["Location"]))
    job = Job.objects.get()
    assert answer.headers["Location"] == f"/api/uploads/{job.pk}/status"
    assert (source_of(job), job.payload["file"]["sizeBytes"]) == (b"", 0)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_chunk_with_a_wrong_checksum_is_discarded(algorithm: str, tus: Tus, stored: Stored) -> None:
    url = tus.create(1000)
    assert tus.patch(url, 0, FILE[:500], **checksum(FILE[:500], algorithm)).status_code == 204
    kept = stored()
    for wrong in (FILE[500:600], FILE[500:]):
        answer = tus.patch(url, 500, wrong, **checksum(b"other", algorithm))
        assert_problem(answer, 460, "checksum-mismatch")
        assert answer.reason == "Checksum Mismatch"
    assert (tus.head(url).headers["Upload-Offset"], stored()) == ("500", kept)
    answer = tus.patch(url, 500, FILE[500:], **checksum(FILE[500:], algorithm))
    assert (answer.status_code, source_of(Job.objects.get())) == (204, FILE)


@pytest.mark.parametrize("value", ["md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha1", "sha1 x", "sha1 AAAA", "sha256 AAAA"])
def test_a_checksum_that_cannot_be_checked_is_400(value: str, tus: Tus) -> None:
    url = tus.create(1000)
    problem = assert_problem(tus.patch(url, 0, FILE, **{"Upload-Checksum": value}), 400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["#/Upload-Checksum"]
    assert ResumableUpload.objects.get().offset_bytes == 0


def test_delete_frees_the_space(tus: Tus, stored: Stored) -> None:
    url = tus.create(1000)
    tus.patch(url, 0, FILE[:500])
    assert len(stored()) == 1
    answer = tus.delete(url)
    assert (answer.status_code, answer.content, answer.headers["Tus-Resumable"]) == (204, b"", "1.0.0")
    assert (stored(), UploadPart.objects.count()) == (set(), 0)
    for gone in (tus.head(url), tus.delete(url), tus.patch(url, 500, FILE[500:])):
        assert_problem(gone, 404, "not-found")
    url = tus.create(1000)
    tus.patch(url, 0, FILE)
    assert tus.delete(url).status_code == 204
    assert source_of(Job.objects.get()) == FILE


def test_an_expired_upload_is_an_unknown_one(tus: Tus) -> None:
    url = tus.create(1000)
    tus.patch(url, 0, FILE[:500])
    ResumableUpload.objects.update(expires_at=Now() - timedelta(seconds=1))
    for answer in (tus.head(url), tus.patch(url, 500, FILE[500:]), tus.delete(url)):
        assert_problem(answer, 404, "not-found")


def test_one_user_has_a_limit_of_unfinished_uploads(tus: Tus, live_url: str) -> None:
    urls = [tus.create(1000) for _ in range(20)]
    answer = tus.post(1000)
    problem = assert_problem(answer, 429, "too-many-resumable-uploads")
    assert problem["detail"] == "You have 20 unfinished resumable uploads, which is the maximum."
    assert int(answer.headers["Retry-After"]) > 0
    tus.patch(urls[0], 0, FILE)  # it is no longer unfinished
    tus.create(1000)
    ResumableUpload.objects.filter(pk=urls[1].rpartition("/")[2]).update(expires_at=Now())
    tus.create(1000)
    assert_problem(tus.post(1000), 429, "too-many-resumable-uploads")


def test_a_full_queue_refuses_early(tus: Tus) -> None:
    url = tus.create(1000)
    began = tus.create(1000)
    tus.patch(began, 0, FILE[:500])
    Queue.objects.filter(name="uploads").update(max_queued_per_owner=0)
    for answer in (tus.post(1000), tus.patch(url, 0, FILE[:10]), tus.patch(began, 500, FILE[500:])):
        assert_problem(answer, 429, "owner-queue-full")
        assert int(answer.headers["Retry-After"]) > 0
    assert tus.patch(began, 500, FILE[500:600]).status_code == 204
    Queue.objects.filter(name="uploads").update(accepting=False)
    assert_problem(tus.post(1000), 503, "queue-full")
    assert_problem(tus.patch(began, 600, FILE[600:]), 503, "queue-full")
    assert tus.head(began).headers["Upload-Offset"] == "600"
    Queue.objects.filter(name="uploads").update(accepting=True, max_queued_per_owner=None)
    assert tus.patch(began, 600, FILE[600:]).status_code == 204
    assert source_of(Job.objects.get()) == FILE


def test_a_browser_session_sends_its_csrf_token(owner: User, tus: Tus) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    browser.get("/reports/new")
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    session = requests.Session()
    session.headers.update({"Tus-Resumable": "1.0.0", "Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())})
    fields = {"Upload-Length": "1000", "Upload-Metadata": encoded({"uploadType": "items"})}
    assert_problem(session.post(tus.url, headers=fields, timeout=10), 403, "permission-denied")
    session.headers["X-CSRFToken"] = cookies["csrftoken"]
    made = session.post(tus.url, headers=fields, timeout=10)
    assert made.status_code == 201, made.text
    url = urljoin(tus.url, made.headers["Location"])
    chunk = {"Content-Type": CHUNK, "Upload-Offset": "0"}
    assert session.patch(url, data=FILE, headers=chunk, timeout=10).status_code == 204
    del session.headers["X-CSRFToken"]
    for method in ("PATCH", "DELETE"):
        override = {**chunk, "X-HTTP-Method-Override": method}
        assert_problem(session.get(url, headers=override, timeout=10), 403, "permission-denied")
    assert session.head(url, timeout=10).status_code == 200


@pytest.mark.parametrize(("preferred", "language"), [("", "ja"), ("en", "en")])
def test_what_a_page_sends_is_ordered_in_its_language(preferred: str, language: str, owner: User, tus: Tus) -> None:
    Preferences.objects.create(user=owner, language=preferred)
    browser = Client()
    browser.force_login(owner)
    browser.get("/reports/new")
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    session = requests.Session()
    session.headers.update({"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items()), "Accept-Language": "ja"})
    session.headers.update({"Tus-Resumable": "1.0.0", "X-CSRFToken": cookies["csrftoken"], "Content-Type": CHUNK})
    fields = {"Upload-Length": str(len(FILE)), "Upload-Metadata": encoded({"uploadType": "items"})}
    assert session.post(tus.url, data=FILE, headers=fields, timeout=10).status_code == 201
    assert Job.objects.get().payload["language"] == language


def test_an_order_with_a_token_is_in_english(tus: Tus) -> None:
    assert tus.post(len(FILE), data=FILE, headers={"Accept-Language": "ja"}).status_code == 201
    assert Job.objects.get().payload["language"] == "en"
