"""Web servers that are killed while a client sends a file, over a folder and over object storage."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from config.storage import artifact_storage
from jobs.files.orphan_files import FOLDERS, remove_orphans_in
from jobs.models import Artifact, Job, Queue
from tests.support import buckets
from tests.support.apps.warehouse.models import Tenant
from tests.support.stack import Stack
from tests.support.tus import Tus, items_file, source_of
from tests.support.waiting import wait_until
from uploads.models import ResumableUpload, UploadPart

MB = 1024 * 1024
SIZE = 10 * MB
#: The settings of a web server that commits each megabyte.
SMALL_PARTS = {"RESUMABLE_PART_BYTES": str(MB), "LEASE_SECONDS": "2"}


@pytest.fixture
def tus(stack: Stack) -> Tus:
    user = User.objects.create_user("ada")
    Tenant.objects.create(code=user.get_username())
    Queue.objects.filter(name="uploads").update(paused=True)
    return Tus(stack.url, user)


def offset() -> int:
    return ResumableUpload.objects.get().offset_bytes


def send_rest(tus: Tus, url: str) -> None:
    at = int(tus.head(url).headers["Upload-Offset"])
    answer = tus.patch(url, at, items_file(SIZE)[at:])
    assert answer.status_code == 204, answer.text
    job = Job.objects.get()
    assert answer.headers["Location"] == f"/api/uploads/{job.pk}/status"
    assert Artifact.objects.get().sha256 == hashlib.sha256(items_file(SIZE)).hexdigest()
    assert source_of(job) == items_file(SIZE)


def test_a_killed_web_server_loses_little_and_the_file_is_the_same(
    stack: Stack, tus: Tus, stored: Callable[[], set[str]], settings: Settings
) -> None:
    settings.ORPHAN_FILE_AGE_SECONDS = 0
    with stack.web_with(**SMALL_PARTS):
        url = tus.create(SIZE)
        for sent, kept in ((4 * MB, 2 * MB), (8 * MB, 5 * MB)):
            at = offset()
            with tus.begin_patch(url, at, length=SIZE - at, data=items_file(SIZE)[at:sent]):
                wait_until(lambda kept=kept: offset() >= kept, message="the bytes are committed")  # type: ignore[misc]
                stack.kill("web")
            stack.start("web", **SMALL_PARTS)
            stack.ensure_web()
        send_rest(tus, url)
    for folder in FOLDERS:
        remove_orphans_in(folder)
    assert stored() == {Artifact.objects.get().storage_name}


def test_object_storage(s3: str, stack: Stack, tus: Tus, settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "artifacts": artifact_storage(buckets.storage_url(s3))}
    with stack.web_with(STORAGE_URL=buckets.storage_url(s3), **buckets.CREDENTIALS, **SMALL_PARTS):
        url = tus.create(SIZE)
        tus.begin_patch(url, 0, length=SIZE, data=items_file(SIZE)[: 4 * MB + 500]).close()
        wait_until(lambda: offset() == 4 * MB + 500, message="all that has arrived is committed")
        assert len(buckets.keys(s3)) == UploadPart.objects.count() >= 3
        send_rest(tus, url)
        assert buckets.keys(s3) == [f"{buckets.PREFIX}/{Artifact.objects.get().storage_name}"]
        assert buckets.uploads(s3) == []
        other = tus.create(SIZE)
        tus.patch(other, 0, items_file(SIZE)[: 2 * MB])
        assert len(buckets.keys(s3)) > 1
        assert tus.delete(other).status_code == 204
        assert len(buckets.keys(s3)) == 1
