"""Files whose time is over, and files that belong to nobody, are deleted."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db.models.functions import Now

from jobs.files.artifacts import storage_name
from jobs.files.orphan_files import FOLDERS
from jobs.maintenance import files
from jobs.maintenance.files import expire_artifacts, remove_orphan_files
from jobs.models import Artifact, Job, Sweep
from jobs.states import State

pytestmark = pytest.mark.django_db(transaction=True)

PAST = Now() - timedelta(hours=1)


def test_a_file_whose_time_is_over_is_deleted_and_the_row_says_so(make_job: Callable[..., Job]) -> None:
    storage = storages["artifacts"]
    artifacts = []
    for number, expires in enumerate((PAST, Now() + timedelta(hours=1))):
        artifacts.append(
            Artifact.objects.create(
                job=make_job(state=State.SUCCEEDED), role="result", filename="x", content_type="text/csv",
                encoding="utf-8", row_count=0, size_bytes=1, sha256="0" * 64, published_at=Now(), expires_at=expires,
                storage_name=storage.save(f"sweep-{number}", ContentFile(b"x")),
            )
        )  # fmt: skip
    expire_artifacts()
    expire_artifacts()
    for artifact in artifacts:
        artifact.refresh_from_db()
    assert [storage.exists(artifact.storage_name) for artifact in artifacts] == [False, True]
    assert [artifact.deleted_at is None for artifact in artifacts] == [False, True]


def test_an_expired_file_stands_in_the_timeline(make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.SUCCEEDED)
    artifact_of(job, expires_at=PAST)
    expire_artifacts()
    expire_artifacts()
    assert [(event.name, event.details) for event in job.events.all()] == [("expired", {"file": "x"})]


def test_a_file_that_cannot_be_deleted_does_not_keep_the_others(make_job: Callable[..., Job]) -> None:
    storage = storages["artifacts"]
    stuck = artifact_of(make_job(state=State.SUCCEEDED), expires_at=Now() - timedelta(hours=2))
    storage.save(f"{stuck.storage_name}/inside", ContentFile(b"x"))  # a folder that is not empty
    other = artifact_of(make_job(state=State.SUCCEEDED), expires_at=PAST)
    storage.save(other.storage_name, ContentFile(b"x"))
    with pytest.raises(OSError, match="not empty"):  # the sweep's row shows it
        expire_artifacts()
    stuck.refresh_from_db()
    other.refresh_from_db()
    assert (stuck.deleted_at, other.deleted_at is None) == (None, False)
    storage.delete(f"{stuck.storage_name}/inside")
    assert expire_artifacts() == 1


def artifact_of(job: Job, **values: Any) -> Artifact:
    defaults: dict[str, Any] = {
        "role": "result", "filename": "x", "content_type": "text/csv", "encoding": "utf-8", "row_count": 0,
        "size_bytes": 1, "sha256": "0" * 64, "published_at": Now(), "storage_name": storage_name(job.pk, 1, "result"),
    }  # fmt: skip
    return Artifact.objects.create(job=job, **{**defaults, **values})


def stored_file(job: Job, token: int) -> str:
    name = storage_name(job.pk, token, "result")
    return storages["artifacts"].save(name, ContentFile(b"x"))


def sweep_all_folders() -> int:
    return sum(remove_orphan_files() or 0 for _ in range(256 // files.FOLDERS_A_RUN))


def test_a_file_that_belongs_to_no_job_is_removed(make_job: Callable[..., Job], settings: Any) -> None:
    settings.ORPHAN_FILE_AGE_SECONDS = 0
    sweep_all_folders()  # what earlier tests left behind
    running, failed, done = make_job(state=State.RUNNING, fencing_token=2), make_job(state=State.FAILED), make_job()
    artifact_of(done)
    kept = [
        stored_file(running, 2),
        stored_file(done, 1),
        storages["artifacts"].save("00/notes.txt", ContentFile(b"x")),
    ]
    orphans = [stored_file(running, 1), stored_file(failed, 1), stored_file(Job(), 1)]
    assert sweep_all_folders() == 3
    assert [storages["artifacts"].exists(name) for name in kept + orphans] == [True] * 3 + [False] * 3
    assert sweep_all_folders() == 0
    for name in kept:
        storages["artifacts"].delete(name)


def test_a_young_file_is_left_alone(make_job: Callable[..., Job], settings: Any) -> None:
    settings.ORPHAN_FILE_AGE_SECONDS = 3600
    name = stored_file(make_job(state=State.FAILED), 1)
    assert sweep_all_folders() == 0
    storages["artifacts"].delete(name)


def test_a_run_looks_through_some_folders_and_the_next_goes_on() -> None:
    positions = []
    for _ in range(256 // files.FOLDERS_A_RUN + 1):
        remove_orphan_files()
        positions.append(Sweep.objects.get(name="remove_orphan_files").position)
    assert positions[:2] == ["0f", "1f"]
    assert positions[-2:] == ["", "0f"]


def test_a_folder_that_cannot_be_read_does_not_keep_the_others(make_job: Callable[..., Job], settings: Any) -> None:
    settings.ORPHAN_FILE_AGE_SECONDS = 0
    sweep_all_folders()
    folder = next(name for name in FOLDERS[1:] if not storages["artifacts"].exists(name))
    storages["artifacts"].save(folder, ContentFile(b"a file where a folder should be"))
    job = make_job(state=State.FAILED)
    name = stored_file(job, 1)
    for _ in range(256 // files.FOLDERS_A_RUN):
        with suppress(NotADirectoryError):
            remove_orphan_files()
    assert not storages["artifacts"].exists(name)
    assert sum(bool(row.last_error) for row in Sweep.objects.all()) <= 1
    storages["artifacts"].delete(folder)
