"""A file whose last byte has arrived becomes one upload: whatever asks meanwhile, and whatever fails."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from jobs.errors import AdmissionError
from jobs.files.storage import FolderFile
from jobs.models import Artifact, Job, Queue
from tests.support.threads import Threads
from tests.support.tus import CHUNK, items_file, source_of
from tests.support.waiting import wait_until
from uploads.models import ResumableUpload, UploadPart
from uploads.ordering import ORDERING
from uploads.resumable import finishing
from uploads.resumable.claiming import take_over
from uploads.resumable.finishing import finish_upload
from uploads.resumable.parts import blocks_of
from uploads.resumable.receiving import receive_parts
from uploads.types import UPLOAD_TYPES, UploadType

pytestmark = pytest.mark.django_db(transaction=True)

FILE = items_file(1000)
Make = Callable[..., ResumableUpload]
Stored = Callable[[], set[str]]
Ask = Callable[..., Any]


@pytest.fixture
def ask(api: APIClient) -> Ask:
    """Send a request of tus in this process."""

    def send(method: str, upload: ResumableUpload, *, offset: int = 0, body: bytes = b"") -> Any:
        headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset)}
        url = f"/api/uploads/resumable/{upload.pk}"
        return api.generic(method, url, body, content_type=CHUNK, headers=headers)  # type: ignore[arg-type]

    return send


@pytest.fixture
def items() -> UploadType:
    found = UPLOAD_TYPES.find("items")
    assert found is not None
    return found


class Gate:
    """Holds who puts a file together, before its first block."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.reached = 0

    def __call__(self, part: UploadPart) -> Iterator[bytes]:
        self.reached += 1
        assert self.opened.wait(30)
        return blocks_of(part)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    monkeypatch.setattr(finishing, "blocks_of", gate)
    yield gate
    gate.opened.set()


def test_who_asks_while_the_file_is_put_together_is_told_to_come_again(make: Make, ask: Ask, gate: Gate) -> None:
    """A client that has lost patience finds the job that its first request makes, and makes no second one."""
    upload = make(1000)
    with Threads(1) as threads:
        first = threads.submit(ask, "PATCH", upload, body=FILE)
        wait_until(lambda: gate.reached, message="the file is put together")
        for answer in (ask("HEAD", upload), ask("PATCH", upload, body=FILE)):
            assert (answer.status_code, answer["Tus-Resumable"]) == (423, "1.0.0")
            assert int(answer["Retry-After"]) > 0
        gate.opened.set()
        done = first.result(30)
    assert (done.status_code, done["Upload-Offset"]) == (204, "1000")
    found = ask("HEAD", upload)
    assert (found.status_code, found["Location"]) == (200, done["Location"])
    assert source_of(Job.objects.get()) == FILE


def test_an_upload_that_is_deleted_while_it_is_put_together_becomes_no_job(
    make: Make, ask: Ask, gate: Gate, stored: Stored
) -> None:
    upload = make(1000)
    with Threads(1) as threads:
        first = threads.submit(ask, "PATCH", upload, body=FILE)
        wait_until(lambda: gate.reached, message="the file is put together")
        assert ask("DELETE", upload).status_code == 204
        gate.opened.set()
        answer = first.result(30)
    assert (answer.status_code, answer.json()["code"]) == (409, "overtaken")
    assert (Job.objects.count(), Artifact.objects.count(), stored()) == (0, 0, set())


def test_of_two_that_put_a_file_together_one_makes_the_job(make: Make, ask: Ask, gate: Gate, stored: Stored) -> None:
    """The first one was taken for dead, and was not."""
    upload = make(1000)
    with Threads(2) as threads:
        first = threads.submit(ask, "PATCH", upload, body=FILE)
        wait_until(lambda: gate.reached == 1, message="the file is put together")
        ResumableUpload.objects.update(finishing_until=Now())
        assert ask("HEAD", upload)["Upload-Offset"] == "0"
        second = threads.submit(ask, "PATCH", upload, body=FILE)
        wait_until(lambda: gate.reached == 2, message="the file is put together again")
        gate.opened.set()
        answers = first.result(30), second.result(30)
    assert [answer.status_code for answer in answers] == [409, 204]
    job = Job.objects.get()
    assert answers[1]["Location"] == f"/api/uploads/{job.pk}/status"
    assert (source_of(job), stored()) == (FILE, {Artifact.objects.get().storage_name})


def test_the_lease_is_renewed_and_keeps_the_upload(
    make: Make, owner: User, items: UploadType, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LEASE_SECONDS = 1000
    monkeypatch.setattr(finishing, "RENEWAL_SHARE", 0)
    settings.RESUMABLE_PART_BYTES = 1
    upload = take_over(make(4))
    last = receive_parts(upload, [b"a", b"b", b"c", b"d"], None)
    seen = []

    def spy(part: UploadPart) -> Iterator[bytes]:
        row = ResumableUpload.objects.get()
        seen.append((row.finishing_until, row.expires_at))
        return blocks_of(part)

    monkeypatch.setattr(finishing, "blocks_of", spy)
    finish_upload(upload, last, owner=owner, upload_type=items)
    assert len(seen) == 4
    assert sorted(set(seen)) == seen
    row = ResumableUpload.objects.get()
    assert (row.finishing_until, row.offset_bytes, row.job_id) == (None, 4, Job.objects.get().pk)


def test_a_refused_upload_stays_before_its_last_part(
    make: Make, owner: User, items: UploadType, stored: Stored
) -> None:
    """A stock client takes an offset at the end of the file for success."""
    upload = take_over(make(1000))
    receive_parts(upload, [FILE[:400]], None)
    before = stored()
    Queue.objects.filter(name="uploads").update(max_queued=0)
    with pytest.raises(AdmissionError):
        finish_upload(upload, receive_parts(upload, [FILE[400:]], None), owner=owner, upload_type=items)
    row = ResumableUpload.objects.get()
    assert (row.offset_bytes, row.finishing_until, row.job_id) == (400, None, None)
    assert (Job.objects.count(), Artifact.objects.count(), stored()) == (0, 0, before)
    Queue.objects.filter(name="uploads").update(max_queued=None)
    again = take_over(upload, offset=400)
    finish_upload(again, receive_parts(again, [FILE[400:]], None), owner=owner, upload_type=items)
    assert (source_of(Job.objects.get()), UploadPart.objects.count(), len(stored())) == (FILE, 0, 1)


def test_a_queue_that_fills_up_while_the_bytes_arrive_answers_so(
    make: Make, ask: Ask, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    Queue.objects.filter(name="uploads").update(max_queued_per_owner=0)
    monkeypatch.setattr("uploads.resumable.base_view.refuse_early", lambda **_: None)  # it was not full before
    upload = make(1000)
    answer = ask("PATCH", upload, body=FILE)
    assert (answer.status_code, answer.json()["code"]) == (429, "owner-queue-full")
    assert int(answer["Retry-After"]) > 0
    assert (ask("HEAD", upload)["Upload-Offset"], stored()) == ("0", set())


def test_a_storage_that_fails_while_the_file_is_put_together_is_an_outage(
    make: Make, ask: Ask, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = make(1000)
    write = FolderFile.write

    def fail(file: FolderFile, data: bytes) -> Any:
        if str(file.name).endswith(".source"):
            raise OSError(28, "No space left on device")
        return write(file, data)

    with monkeypatch.context() as full:
        full.setattr(FolderFile, "write", fail)
        answer = ask("PATCH", upload, body=FILE)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage-unavailable")
    assert (stored(), Job.objects.count()) == (set(), 0)
    assert ask("PATCH", upload, body=FILE).status_code == 204


@pytest.mark.parametrize("how", ["lost", "cut"])
def test_bytes_that_storage_has_lost_are_sent_again(
    how: str, make: Make, ask: Ask, stored: Stored, settings: Settings
) -> None:
    settings.RESUMABLE_PART_BYTES = 2 * 1024**2
    size = 5 * 1024**2
    data = items_file(size)
    upload = make(size)
    assert ask("PATCH", upload, body=data[:-10])["Upload-Offset"] == str(size - 10)
    second = UploadPart.objects.all()[1]
    storages["artifacts"].delete(second.storage_name)
    if how == "cut":
        file: Any = storages["artifacts"].open_for_writing(second.storage_name)  # type: ignore[attr-defined]
        file.write(b"x")
        file.close()
    answer = ask("PATCH", upload, offset=size - 10, body=data[-10:])
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-offset")
    offset = int(ask("HEAD", upload)["Upload-Offset"])
    assert offset == second.first_byte
    assert len(stored()) == 1
    assert ask("PATCH", upload, offset=offset, body=data[offset:]).status_code == 204
    assert source_of(Job.objects.get()) == data


def test_a_commit_whose_answer_is_lost_was_a_success(make: Make, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is told of an outage, asks again, and finds the job and its file."""
    upload = make(1000)
    place_upload = ORDERING.place_upload

    def lose(**order: Any) -> Any:
        place_upload(**order)
        connection.close()
        raise OSError("the answer to COMMIT was lost")

    with monkeypatch.context() as lost:
        lost.setattr(ORDERING, "place_upload", lose)
        with suppress(OSError):
            ask("PATCH", upload, body=FILE)
    job = Job.objects.get()
    assert ask("HEAD", upload)["Location"] == f"/api/uploads/{job.pk}/status"
    assert source_of(job) == FILE


def test_requests_take_few_statements(make: Make, ask: Ask) -> None:
    upload = make(1000)
    ask("HEAD", upload)
    counts = {}
    for name, method, offset, body in (
        ("HEAD", "HEAD", 0, b""),
        ("PATCH", "PATCH", 0, FILE[:500]),
        ("last PATCH", "PATCH", 500, FILE[500:]),
        ("HEAD of a finished one", "HEAD", 0, b""),
        ("DELETE", "DELETE", 0, b""),
    ):
        with CaptureQueriesContext(connection) as asked:
            ask(method, upload, offset=offset, body=body)
        counts[name] = len(asked)
    assert counts == {"HEAD": 3, "PATCH": 11, "last PATCH": 20, "HEAD of a finished one": 2, "DELETE": 9}
