"""From a request with a file to the job: what is checked in which order, and what is left behind."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from jobs.http.problems import ProblemError
from jobs.models import Artifact, Job, Queue
from jobs.types.inspector import TypedInspector
from tests.support.ordering import assert_problem
from tests.support.tokens import bearer_of, client_of
from tests.support.uploads import run
from tests.support.waiting_orders import applied, once_waiting
from uploads.api.places import receiving_place
from uploads.ordering import ORDERING
from uploads.types import UPLOAD_TYPES

pytestmark = pytest.mark.django_db(transaction=True)

CSV = b"Code,Name,Price\r\nA-1,Bolt,1.50\r\n"
SHA256 = hashlib.sha256(CSV).hexdigest()
Send = Callable[..., Any]
Stored = Callable[[], set[str]]


def read_source(job: Job) -> bytes:
    with storages["artifacts"].open(Artifact.objects.get(job=job, role="source").storage_name) as file:
        content: bytes = file.read()
        return content


def test_a_body_becomes_a_file_and_a_queued_job(send: Send, owner: User) -> None:
    answer = send(
        content_type="text/csv; charset=Windows-31J", delimiter=";", mode="partial", dryRun="true", plan="abc",
        headers={"Content-Disposition": "attachment; filename*=UTF-8''C%3A%5Ctmp%5C%E5%93%81.csv"},
    )  # fmt: skip
    assert answer.status_code == 202, answer.content
    job = Job.objects.get()
    body = answer.json()
    assert (body["id"], body["uploadType"], body["status"], body["phase"]) == (
        str(job.pk),
        "items",
        "Queued",
        "received",
    )
    assert (body["cancelURL"], "warnings" in body) == (f"/api/uploads/{job.pk}", False)
    assert answer["Location"] == f"/api/uploads/{job.pk}/status"
    assert answer["Operation-Location"].endswith(f"/api/operations/{job.pk}")
    assert int(answer["Retry-After"]) >= 1
    assert "Upload-Repeated" not in answer
    assert (job.kind, job.queue, job.type, job.owner) == ("upload", "uploads", "items", owner)
    assert job.payload == {
        "uploadType": "items", "parameters": {}, "language": "en",
        "file": {"filename": "品.csv", "sizeBytes": len(CSV), "sha256": SHA256},
        "csv": {"encoding": "cp932", "delimiter": ";"},
        "mode": "partial", "dryRun": True, "plan": "abc", "corrects": None, "repeats": None, "undoes": None,
        "continues": None,
    }  # fmt: skip
    source = Artifact.objects.get()
    assert (source.job, source.role, source.attempt, source.size_bytes) == (job, "source", None, len(CSV))
    assert (source.sha256, source.filename) == (SHA256, "品.csv")
    assert source.published_at is not None
    assert source.expires_at is not None
    assert read_source(job) == CSV


def test_the_payload_is_valid_for_staff_who_edit_it(send: Send, owner: User) -> None:
    send(encoding="latin1")
    payload = Job.objects.get().payload
    assert TypedInspector(ORDERING).validate(payload, owner) == payload


def test_a_form_and_a_raw_body_are_the_same_upload(api: APIClient) -> None:
    file = SimpleUploadedFile("C:\\data\\items 1.csv", CSV, content_type="application/vnd.ms-excel")
    answer = api.post("/api/uploads?uploadType=items&encoding=cp932", {"file": file}, format="multipart")
    assert answer.status_code == 202, answer.content
    job = Job.objects.get()
    assert job.payload["file"] == {"filename": "items 1.csv", "sizeBytes": len(CSV), "sha256": SHA256}
    assert job.payload["csv"] == {"encoding": "cp932", "delimiter": None}
    assert read_source(job) == CSV


def multipart(part_type: str) -> dict[str, Any]:
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: {part_type}\r\n\r\n'
    return {"body": head.encode() + CSV + b"\r\n--x--\r\n", "content_type": "multipart/form-data; boundary=x"}


def test_the_charset_of_a_part_declares_the_encoding(send: Send, stored: Stored) -> None:
    answer = send(**multipart("text/csv; charset=Windows-31J"))
    assert answer.status_code == 202, answer.content
    assert Job.objects.get().payload["csv"]["encoding"] == "cp932"
    problem = assert_problem(send(**multipart("text/csv; charset=klingon")), 400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["#/Content-Type"]
    assert len(stored()) == 1


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ("attachment; filename*=UTF-8''sales%20%E2%82%AC.csv", "sales €.csv"),
        ("attachment; filename*=nope''a%41.csv", "items"),
        ("attachment; filename*=UTF-8''x.c%0d%0av", "x.c v"),
        ("attachment; filename*=UTF-8''x.c%00v", "x.cv"),
        ('attachment; filename="x.c:v"', "x.c-v"),
        ('attachment; filename="..csv"', "items.csv"),
        ("attachment", "items"),
    ],
)
def test_any_name_becomes_a_safe_one(disposition: str, filename: str, send: Send) -> None:
    answer = send(headers={"Content-Disposition": disposition})
    assert answer.status_code == 202, answer.content
    assert Job.objects.get().payload["file"]["filename"] == filename


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ({"mode": "partial", "file": SimpleUploadedFile("a.csv", CSV)}, "#/mode"),
        ({"other": SimpleUploadedFile("a.csv", CSV)}, "#/other"),
        ({"file": [SimpleUploadedFile("a.csv", CSV), SimpleUploadedFile("b.csv", CSV)]}, "#/file"),
        ({"file": "a,b"}, "#/file"),
    ],
    ids=["another field", "another file", "two files", "no file"],
)
def test_a_form_has_one_file_and_nothing_else(
    parts: dict[str, Any], pointer: str, api: APIClient, stored: Stored
) -> None:
    problem = assert_problem(
        api.post("/api/uploads?uploadType=items", parts, format="multipart"), 400, "invalid-request"
    )
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert stored() == set()


@pytest.mark.parametrize("body", [b"no boundary", b'--x\r\nContent-Disposition: form-data; name="file"'])
def test_a_malformed_form_is_400(body: bytes, send: Send, stored: Stored) -> None:
    answer = send(body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 400, answer.content
    assert_problem(send(body, content_type="multipart/form-data"), 400, "malformed-body")
    assert stored() == set()


def test_a_compressed_file_is_stored_decoded(send: Send) -> None:
    packed = gzip.compress(CSV)
    digest = base64.b64encode(hashlib.sha256(packed).digest()).decode()
    headers = {"Content-Encoding": "gzip", "Content-Digest": f"sha-256=:{digest}:, sha-512=:AAAA:"}
    assert send(packed, headers=headers).status_code == 202
    assert read_source(Job.objects.get()) == CSV


def test_a_compressed_form_is_decoded_too(send: Send) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + CSV + b"\r\n--x--\r\n"
    answer = send(
        gzip.compress(form), content_type="multipart/form-data; boundary=x", headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 202, answer.content
    assert read_source(Job.objects.get()) == CSV


@pytest.mark.parametrize("field", ["Content-Digest", "Repr-Digest"])
def test_a_wrong_digest_leaves_nothing(field: str, send: Send, stored: Stored) -> None:
    wrong = base64.b64encode(bytes(32)).decode()
    assert_problem(send(headers={field: f"sha-256=:{wrong}:"}), 400, "digest-mismatch")
    problem = assert_problem(send(headers={field: "sha-256=:AAAA:"}), 400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == [f"#/{field}"]
    assert (stored(), Job.objects.count()) == (set(), 0)


def test_a_file_beyond_the_limit_leaves_nothing(send: Send, stored: Stored, small_items: int, api: APIClient) -> None:
    assert send(b"x" * small_items).status_code == 202
    Job.objects.all().delete()
    before = stored()
    bombs = {
        "identity": b"x" * (small_items + 1),
        "gzip": gzip.compress(bytes(50_000_000)),
    }
    for coding, body in bombs.items():
        problem = assert_problem(send(body, headers={"Content-Encoding": coding}), 413, "body-too-large")
        assert "1000 bytes" in problem["detail"]
    file = SimpleUploadedFile("a.csv", b"x" * (small_items + 1))
    answer = api.post("/api/uploads?uploadType=items", {"file": file}, format="multipart")
    assert_problem(answer, 413, "body-too-large")
    assert stored() == before


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ({"mode": "some", "dryRun": "yes", "delimiter": "x", "encoding": "utf-7"},
         ["#/delimiter", "#/dryRun", "#/encoding", "#/mode"]),
        ({"typ": "items", "page": "2"}, ["#/page", "#/typ"]),
        ({"plan": "a b", "callbackURL": "ftp://a"}, ["#/callbackURL", "#/plan"]),
        ({"corrects": "01994f2a-7c1e-7b3a-9d52-0a6c3e5f7b82"}, ["#/corrects"]),
    ],
)  # fmt: skip
def test_a_wrong_query_is_named_before_the_body_is_read(query: dict[str, str], pointers: list[str], send: Send) -> None:
    answer = unread(send, **query)
    assert sorted(error["pointer"] for error in assert_problem(answer, 400, "invalid-request")["errors"]) == pointers


def unread(send: Send, **options: Any) -> Any:
    """The answer to a request whose body must not be read."""
    client = options.pop("client", None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobs.http.arriving.WaitingBody.read_arrived", lambda *_, **__: pytest.fail("the body was read"))
        patch.setattr("django.http.HttpRequest.read", lambda *_: pytest.fail("the body was read"))
        return send(**options) if client is None else send(client=client, **options)


def test_refusals_that_need_no_body_come_before_it(send: Send, owner: User, small_items: int, stored: Stored) -> None:
    eve = User.objects.create_user("eve")
    for user, options in ((owner, {"uploadType": "nothing"}), (eve, {"client": client_of(eve)})):
        problem = assert_problem(unread(send, **options), 400, "unknown-upload-type")
        assert problem["uploadTypes"] == [one.identifier for one in UPLOAD_TYPES.orderable_by(user)]
    assert_problem(unread(send, client=APIClient()), 401, "not-authenticated")
    reader = APIClient()
    reader.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(owner, 'uploads:read')}")
    assert_problem(unread(send, client=reader), 403, "insufficient-scope")
    assert_problem(unread(send, headers={"Idempotency-Key": 'a"b'}), 400, "invalid-idempotency-key")
    assert_problem(unread(send, body=b"x" * (small_items + 1)), 413, "body-too-large")
    for wrong in ("application/json", "application/x-www-form-urlencoded", "text/html"):
        assert "text/csv" in assert_problem(unread(send, content_type=wrong), 415, "unsupported-media-type")["detail"]
    answer = unread(send, headers={"Content-Encoding": "br"})
    assert_problem(answer, 415, "unsupported-media-type")
    assert answer["Accept-Encoding"] == "identity, gzip, zstd"
    problem = assert_problem(unread(send, content_type="text/csv; charset=klingon"), 400, "invalid-request")
    assert problem["errors"][0]["pointer"] == "#/Content-Type"
    Queue.objects.filter(name="uploads").update(max_queued_per_owner=0)
    assert_problem(unread(send), 429, "owner-queue-full")
    Queue.objects.filter(name="uploads").update(accepting=False)
    assert_problem(unread(send), 503, "queue-full")
    assert (stored(), Job.objects.count()) == (set(), 0)


def test_too_many_bodies_at_once_are_refused_unread(send: Send, settings: Settings) -> None:
    settings.UPLOADS_AT_ONCE = 0
    answer = unread(send)
    assert_problem(answer, 503, "too-many-uploads")
    assert int(answer["Retry-After"]) > 0


def test_one_user_leaves_the_last_place_to_others(settings: Settings, owner: User) -> None:
    other = User.objects.create_user("grace")
    settings.UPLOADS_AT_ONCE = 2
    with receiving_place(owner):
        with pytest.raises(ProblemError) as refused, receiving_place(owner):
            pass
        assert (refused.value.status_code, refused.value.problem_code) == (503, "too-many-uploads")
        with receiving_place(other):
            pass
    settings.UPLOADS_AT_ONCE = 1
    with receiving_place(owner):
        pass


def test_a_session_sends_its_csrf_token_in_the_header_and_no_form_is_parsed_for_it(owner: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    browser.get(reverse("report-order"))
    token = browser.cookies["csrftoken"].value
    url = "/api/uploads?uploadType=items"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.http.HttpRequest.parse_file_upload", lambda *_: pytest.fail("the form was parsed"))
        form = {"csrfmiddlewaretoken": token, "file": SimpleUploadedFile("a.csv", CSV)}
        assert_problem(browser.post(url, form), 403, "permission-denied")
        answer = browser.post(url, {"file": SimpleUploadedFile("a.csv", CSV)}, headers={"X-CSRFToken": token})
    assert answer.status_code == 202, answer.content


def test_a_key_makes_one_upload_of_two_requests(send: Send, stored: Stored) -> None:
    key, url = {"Idempotency-Key": "k"}, "https://hooks.example.com/x"
    first = send(headers=key, callbackURL=url)
    assert first.status_code == 202, first.content
    Queue.objects.filter(name="uploads").update(accepting=False)
    again = send(headers=key, callbackURL=url)
    assert (again.status_code, again["Idempotency-Replayed"]) == (202, "true")
    assert again.json()["id"] == first.json()["id"]
    assert_problem(send(CSV + CSV, headers=key), 422, "idempotency-key-reused")
    assert_problem(send(headers=key, callbackURL=url, mode="partial"), 422, "idempotency-key-reused")
    job = Job.objects.get()
    assert stored() == {Artifact.objects.get(job=job).storage_name}


def test_a_job_that_is_refused_after_the_body_leaves_no_file(
    send: Send, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    Queue.objects.filter(name="uploads").update(max_queued=0)
    monkeypatch.setattr("uploads.api.upload_views.refuse_early", lambda **_: None)  # it was not full before the body
    assert_problem(send(), 503, "queue-full")
    assert (stored(), Job.objects.count(), Artifact.objects.count()) == (set(), 0, 0)


def test_the_same_bytes_again_within_a_day_are_mentioned(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    send(dryRun="true")
    first = send().json()["id"]
    second = send(mode="partial")
    assert second["Upload-Repeated"] == send()["Upload-Repeated"] == first
    [warning] = second.json()["warnings"]
    assert warning["code"] == "repeated-upload"
    assert first in warning["detail"]
    assert "Upload-Repeated" not in send(uploadType="new-items")
    assert "Upload-Repeated" not in send(CSV + CSV)
    monkeypatch.setattr("uploads.ordering.REPEATED_WITHIN", timedelta(seconds=-1))  # a day has passed
    assert "Upload-Repeated" not in send()


def test_an_order_takes_few_statements(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.dispatch.remembered_queue.REMEMBERED_SECONDS", 3600.0)
    for _ in range(3):  # the queue is read when orders come fast
        send()
    with CaptureQueriesContext(connection) as asked:
        send(CSV + CSV)
    assert len(asked) <= 14, [query["sql"][:80] for query in asked]


def test_an_upload_waits_for_its_end_if_its_client_prefers_that(send: Send, api: APIClient) -> None:
    headers = {"Idempotency-Key": "k", "Prefer": "respond-async, wait=20"}
    with once_waiting(lambda: run(Job.objects.get())):
        answer = send(headers=headers)
    assert applied(answer) == (200, "wait=20")
    body = answer.json()
    assert (body["status"], body["rowsInserted"], body["rowsFailed"]) == ("Complete", 1, 0)
    assert body == api.get(answer["Content-Location"]).json()
    replayed = send(headers=headers)
    assert (applied(replayed), replayed["Idempotency-Replayed"]) == ((200, "wait=20"), "true")
    assert replayed.json() == body
    assert Job.objects.count() == 1


def test_an_upload_that_is_rejected_in_time_is_an_end_too(send: Send) -> None:
    with once_waiting(lambda: run(Job.objects.get())):
        answer = send(b"Code,Name,Price\r\nA-1,Bolt,cheap\r\n", headers={"Prefer": "wait=20"})
    body = answer.json()
    assert (applied(answer), body["status"], body["error"]["code"]) == ((200, "wait=20"), "Failed", "rows-rejected")
    assert body["errorReportURL"] == f"/api/uploads/{body['id']}/errors"


def test_an_upload_needs_its_length(send: Send) -> None:
    assert django_settings.UPLOADS_AT_ONCE < 8
    answer = send(headers={"Transfer-Encoding": "chunked"})
    assert_problem(answer, 411, "length-required")
    assert json.loads(answer.content)["title"]
