"""Resumable uploads that nobody goes on with, and files that no row refers to."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.storage import storages
from django.db.models.functions import Now
from pytest_django import Settings

from jobs.files.artifacts import storage_name
from jobs.files.orphan_files import FOLDERS, remove_orphans_in
from jobs.maintenance.sweeps import SWEEPS
from jobs.models import Artifact, Job
from uploads.models import ResumableUpload, UploadPart
from uploads.resumable.claiming import remove_upload, take_over
from uploads.resumable.receiving import receive_parts

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., ResumableUpload]
Stored = Callable[[], set[str]]


def with_bytes(upload: ResumableUpload) -> str:
    """Store some; the name of the part."""
    receive_parts(take_over(upload), [b"abc"], None)
    return UploadPart.objects.get(upload=upload).storage_name


def sweep_orphans() -> int:
    return sum(remove_orphans_in(folder) for folder in FOLDERS)


def test_the_sweep_deletes_what_has_expired_and_nothing_else(make: Make, stored: Stored) -> None:
    expired, kept = make(10), make(10)
    with_bytes(expired)
    name = with_bytes(kept)
    ResumableUpload.objects.filter(pk=expired.pk).update(expires_at=Now() - timedelta(seconds=1))
    assert SWEEPS["expire_resumable_uploads"]() == 1
    assert (list(ResumableUpload.objects.all()), stored()) == ([kept], {name})
    assert SWEEPS["expire_resumable_uploads"]() == 0


def test_an_upload_that_has_got_bytes_meanwhile_is_not_deleted(make: Make) -> None:
    upload = make(10)
    assert remove_upload(upload, only_expired=True) == []
    assert ResumableUpload.objects.exists()


def test_each_stored_part_puts_off_the_expiry(make: Make, settings: Settings) -> None:
    settings.RESUMABLE_UPLOAD_HOURS = 1
    upload = make(10)
    ResumableUpload.objects.update(expires_at=Now() + timedelta(minutes=1))
    with_bytes(upload)
    assert ResumableUpload.objects.filter(expires_at__gt=Now() + timedelta(minutes=59)).exists()


def test_the_sweep_of_orphans_keeps_parts_with_a_row(make: Make, stored: Stored, settings: Settings) -> None:
    """Of a web server that was killed while it stored one, nothing is left."""
    settings.ORPHAN_FILE_AGE_SECONDS = 0
    sweep_orphans()  # those of other tests
    settings.ORPHAN_FILE_AGE_SECONDS = 3600
    kept = with_bytes(make(10))
    dead = storage_name(Job().pk, 0, "part")
    file = storages["artifacts"].open_for_writing(dead)  # type: ignore[attr-defined]
    file.write(b"x")
    file.close()
    assert sweep_orphans() == 0  # they are too young
    settings.ORPHAN_FILE_AGE_SECONDS = 0
    assert sweep_orphans() == 1
    assert stored() == {kept}
    ResumableUpload.objects.all().delete()
    assert sweep_orphans() == 1
    assert (stored(), Artifact.objects.count()) == (set(), 0)
