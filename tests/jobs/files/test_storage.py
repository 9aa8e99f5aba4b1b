"""Where artifacts are kept: a folder, or S3 (moto's server, over HTTP)."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from pytest_django import Settings

from config.storage import artifact_storage
from jobs.context import JobContext
from jobs.files import artifacts, storage
from jobs.files.artifacts import delete_artifact_file, open_artifact_range, storage_name
from jobs.files.object_storage import PARTS, part_bytes
from jobs.files.orphan_files import FOLDERS, remove_orphans_in
from jobs.files.storage import ArtifactFolder
from jobs.files.storage import artifact_storage as current_storage
from jobs.models import Artifact, Attempt, Job
from jobs.states import State
from jobs.worker.execution import execute_job
from tests.support import buckets

CHUNK = os.urandom(1024 * 1024)


@pytest.fixture
def artifacts_in_s3(s3: str, settings: Settings) -> None:
    settings.STORAGES = {
        **settings.STORAGES, "artifacts": artifact_storage(buckets.storage_url(s3))
    }  # fmt: skip


@pytest.mark.django_db
def test_a_large_file_is_synced_as_it_grows(
    kind_of: Callable[..., str], make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def note_and_sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    def handler(context: JobContext) -> None:
        described = {"filename": "x", "content_type": "text/csv", "encoding": "utf-8"}
        with context.open_artifact(Artifact.Role.RESULT, **described) as artifact:
            for _ in range(5):
                artifact.write(CHUNK)

    monkeypatch.setattr(os, "fsync", note_and_sync)
    monkeypatch.setattr(artifacts, "SYNC_BYTES", 2 * len(CHUNK))
    kind_of(handler)
    execute_job(make_job().pk, worker="w", celery_task_id="t")
    assert synced == [2 * len(CHUNK), 4 * len(CHUNK), 5 * len(CHUNK)]


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system begins to write when it likes")
def test_the_disk_is_asked_to_write_each_megabyte_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[tuple[int, int, int]] = []
    advise = os.posix_fadvise

    def note_and_advise(descriptor: int, first: int, length: int, advice: int) -> None:
        begun.append((first, length, advice))
        advise(descriptor, first, length, advice)

    monkeypatch.setattr(os, "posix_fadvise", note_and_advise)
    size, part = len(CHUNK), 3 * len(CHUNK) // 4
    with ArtifactFolder(location=tmp_path).open_for_writing("file") as file:
        for _ in range(5):
            assert file.write(CHUNK[:part]) == part
        file.sync()
    dont_need = os.POSIX_FADV_DONTNEED
    assert begun == [(0, 2 * part, dont_need), (2 * part, 2 * part, dont_need)]
    assert (tmp_path / "file").read_bytes() == 5 * CHUNK[:part]
    assert size == storage.WRITE_BACK_BYTES


@pytest.mark.django_db(transaction=True)
def test_a_file_in_s3_is_written_in_parts_read_in_ranges_and_deleted(
    artifacts_in_s3: None, kind_of: Callable[..., str], make_job: Callable[..., Job], s3: str
) -> None:
    def handler(context: JobContext) -> None:
        described = {"filename": "x", "content_type": "text/csv", "encoding": "utf-8"}
        with context.open_artifact(Artifact.Role.RESULT, **described) as artifact:
            for _ in range(64):
                artifact.write(CHUNK)

    kind_of(handler)
    job = make_job()
    before = psutil.Process().memory_info().rss
    execute_job(job.pk, worker="w")
    grown = psutil.Process().memory_info().rss - before
    assert Job.objects.get().state == State.SUCCEEDED, Attempt.objects.get().traceback
    artifact = Artifact.objects.get()
    assert artifact.size_bytes == 64 * len(CHUNK)
    assert grown < 48 * 1024 * 1024
    [stored] = buckets.client(s3).list_objects_v2(Bucket=buckets.BUCKET)["Contents"]
    assert (stored["Key"], stored["Size"]) == (f"{buckets.PREFIX}/{artifact.storage_name}", artifact.size_bytes)
    with closing(open_artifact_range(artifact, first=len(CHUNK) * 63 + 100, last=len(CHUNK) * 64 - 1)) as stored:
        assert b"".join(stored) == CHUNK[100:]
    delete_artifact_file(artifact)
    assert not storages["artifacts"].exists(artifact.storage_name)


@pytest.mark.django_db(transaction=True)
def test_a_failure_leaves_nothing_in_s3(
    artifacts_in_s3: None, kind_of: Callable[..., str], make_job: Callable[..., Job], s3: str
) -> None:
    def handler(context: JobContext) -> None:
        described = {"filename": "x", "content_type": "text/csv", "encoding": "utf-8"}
        with context.open_artifact(Artifact.Role.RESULT, **described) as artifact:
            artifact.write(CHUNK)
            raise ValueError("half way")

    kind_of(handler)
    execute_job(make_job().pk, worker="w")
    assert Job.objects.get().state == State.FAILED
    assert buckets.keys(s3) == []
    assert buckets.uploads(s3) == []


def test_the_parts_of_an_upload_suffice_for_the_largest_object_and_stay_small_for_small_ones() -> None:
    """10,000 parts of 5 MiB to 5 GiB, an object of 5 TiB: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""
    sizes = [part_bytes(number) for number in range(1, PARTS + 1)]
    assert PARTS == 10_000
    assert sum(sizes) >= 5 * 1024**4
    assert (min(sizes) >= 5 * 1024**2, max(sizes) <= 5 * 1024**3) == (True, True)
    assert max(sizes[: 4 * 1024**3 // sizes[0]]) == sizes[0]


@pytest.mark.django_db(transaction=True)
def test_an_upload_of_many_parts_that_fails_is_aborted(
    artifacts_in_s3: None, kind_of: Callable[..., str], make_job: Callable[..., Job], s3: str
) -> None:
    begun: list[str] = []

    def handler(context: JobContext) -> None:
        described = {"filename": "x", "content_type": "text/csv", "encoding": "utf-8"}
        with context.open_artifact(Artifact.Role.RESULT, **described) as artifact:
            for _ in range(12):
                artifact.write(CHUNK)
            begun.extend(buckets.uploads(s3))
            raise ValueError("half way")

    kind_of(handler)
    job = make_job()
    execute_job(job.pk, worker="w")
    assert begun == [f"{buckets.PREFIX}/{storage_name(job.pk, 1, 'result')}"]
    assert (buckets.keys(s3), buckets.uploads(s3)) == ([], [])


def begin_upload(s3: str, name: str) -> str:
    """An upload with one part, as a worker that was killed leaves it."""
    key = f"{buckets.PREFIX}/{name}"
    upload_id = buckets.client(s3).create_multipart_upload(Bucket=buckets.BUCKET, Key=key)["UploadId"]
    buckets.client(s3).upload_part(Bucket=buckets.BUCKET, Key=key, UploadId=upload_id, PartNumber=1, Body=b"x")
    return key


@pytest.mark.django_db(transaction=True)
def test_uploads_that_nobody_will_complete_are_swept(
    artifacts_in_s3: None, make_job: Callable[..., Job], s3: str, settings: Settings
) -> None:
    """moto says of each upload that it was begun in November 2010."""
    running, failed = make_job(state=State.RUNNING, fencing_token=2), make_job(state=State.FAILED)
    kept = [
        begin_upload(s3, storage_name(running.pk, 2, "result")),
        begin_upload(s3, "00/notes.txt"),
        begin_upload(s3, "elsewhere"),
    ]
    orphans = [
        begin_upload(s3, storage_name(running.pk, 1, "result")),
        begin_upload(s3, storage_name(failed.pk, 1, "result")),
        begin_upload(s3, storage_name(Job().pk, 1, "errors")),
    ]
    received = begin_upload(s3, storage_name(Job().pk, 0, "source"))
    kept.append(received)
    folders = {key.removeprefix(f"{buckets.PREFIX}/")[:2] for key in (received, *orphans)} | {"00"}
    assert folders <= set(FOLDERS)
    settings.ORPHAN_FILE_AGE_SECONDS = 100 * 365 * 86400
    assert sum(remove_orphans_in(folder) for folder in folders) == 0
    assert set(buckets.uploads(s3)) == {*kept, *orphans}
    settings.ORPHAN_FILE_AGE_SECONDS = 3600
    settings.UPLOAD_TIMEOUT_SECONDS = 100 * 365 * 86400  # a client may still be sending it
    assert sum(remove_orphans_in(folder) for folder in folders) == 3
    assert set(buckets.uploads(s3)) == set(kept)
    settings.UPLOAD_TIMEOUT_SECONDS = 3600
    assert sum(remove_orphans_in(folder) for folder in folders) == 1
    assert received not in buckets.uploads(s3)


@pytest.mark.django_db(transaction=True)
def test_a_received_object_is_as_old_as_its_last_byte(artifacts_in_s3: None, s3: str, settings: Settings) -> None:
    """S3 dates an object of several parts to the beginning of its upload; moto does not."""
    received, written = (storage_name(Job().pk, token, role) for token, role in ((0, "source"), (1, "result")))
    for name in (received, written):
        with closing(current_storage().open_for_writing(name)) as file:
            file.write(b"x")
    settings.ORPHAN_FILE_AGE_SECONDS = -2
    assert sum(remove_orphans_in(folder) for folder in {received[:2], written[:2]}) == 1
    assert buckets.keys(s3) == [f"{buckets.PREFIX}/{received}"]
    settings.UPLOAD_TIMEOUT_SECONDS = 0
    assert remove_orphans_in(received[:2]) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("hurt", [os.unlink, lambda path: os.truncate(path, 7)])
def test_a_file_that_storage_loses_or_shortens_while_it_is_written_is_not_published(
    hurt: Callable[[str], None], kind_of: Callable[..., str], make_job: Callable[..., Job]
) -> None:
    def handler(context: JobContext) -> None:
        described = {"filename": "x", "content_type": "text/csv", "encoding": "utf-8"}
        with context.open_artifact(Artifact.Role.RESULT, **described) as artifact:
            artifact.write(CHUNK)
        hurt(storages["artifacts"].path(artifact.storage_name))

    kind_of(handler)
    execute_job(make_job().pk, worker="w")
    job = Job.objects.get()
    assert (job.state, Artifact.objects.exists()) == (State.FAILED, False)
    error = (job.result or {})["error"]
    assert error == {"code": "file-lost", "detail": "The file was lost in the storage.", "retryable": True}


@pytest.mark.parametrize("url", ["/var/files", "file:///var/files"])
def test_a_folder(url: str) -> None:
    assert artifact_storage(url) == {
        "BACKEND": "jobs.files.storage.ArtifactFolder",
        "OPTIONS": {"location": "/var/files"},
    }


def test_another_scheme_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="not ftp://"):
        artifact_storage("ftp://host/files")


def test_files_in_a_folder_are_readable_by_the_service_only(tmp_path: Path) -> None:
    storage: Any = ArtifactFolder(location=str(tmp_path / "files"))
    with storage.open_for_writing("ab/file") as file:
        file.write(b"x")
    found = tmp_path / "files" / "ab" / "file"
    assert (found.stat().st_mode & 0o777, found.parent.stat().st_mode & 0o777) == (0o600, 0o700)
