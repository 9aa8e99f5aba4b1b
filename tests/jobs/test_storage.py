"""Where artifacts are kept: a folder, or S3 (moto's server, over HTTP)."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

import boto3
import psutil
import pytest
import requests
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from pytest_django import Settings

from config.probing import free_port
from config.storage import artifact_storage
from jobs import artifacts
from jobs.artifacts import delete_artifact_file, open_artifact_file
from jobs.context import JobContext
from jobs.execution import execute_job
from jobs.models import Artifact, Attempt, Job
from jobs.states import State
from jobs.storage import ArtifactFolder
from tests.waiting import wait_until

CHUNK = os.urandom(1024 * 1024)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The URL of an S3 server with an empty bucket `longhaul`."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = "import sys; from moto.server import main; main(sys.argv[1:])"
    with Popen(
        [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(port)], stdout=DEVNULL, stderr=DEVNULL
    ) as moto:
        try:
            wait_until(lambda: _answers(url), message="moto answers")
            os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")
            boto3.client("s3", endpoint_url=url).create_bucket(Bucket="longhaul")
            yield url
        finally:
            moto.terminate()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


@pytest.fixture
def artifacts_in_s3(s3: str, settings: Settings) -> None:
    settings.STORAGES = {
        **settings.STORAGES, "artifacts": artifact_storage(f"s3://longhaul/some/prefix?endpoint_url={s3}")
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
    [stored] = boto3.client("s3", endpoint_url=s3).list_objects_v2(Bucket="longhaul")["Contents"]
    assert (stored["Key"], stored["Size"]) == (f"some/prefix/{artifact.storage_name}", artifact.size_bytes)
    with open_artifact_file(artifact) as file:
        file.seek(len(CHUNK) * 63 + 100)
        assert file.read() == CHUNK[100:]
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
    assert boto3.client("s3", endpoint_url=s3).list_objects_v2(Bucket="longhaul")["KeyCount"] == 0


@pytest.mark.parametrize("url", ["/var/files", "file:///var/files"])
def test_a_folder(url: str) -> None:
    assert artifact_storage(url) == {"BACKEND": "jobs.storage.ArtifactFolder", "OPTIONS": {"location": "/var/files"}}


def test_another_scheme_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="not ftp://"):
        artifact_storage("ftp://host/files")


def test_files_in_a_folder_are_readable_by_the_service_only(tmp_path: Path) -> None:
    storage: Any = ArtifactFolder(location=str(tmp_path / "files"))
    with storage.open("ab/file", "wb") as file:
        file.write(b"x")
    found = tmp_path / "files" / "ab" / "file"
    assert (found.stat().st_mode & 0o777, found.parent.stat().st_mode & 0o777) == (0o600, 0o700)
