"""Orphans in the artifact storage: files whose worker was killed while it wrote them.

In object storage, most orphans are unfinished uploads: an object exists only once it is complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from jobs.files.references import referenced_names
from jobs.files.storage import artifact_storage
from jobs.models import Job
from jobs.states import State

logger = structlog.get_logger(__name__)

#: The folders that `jobs.files.artifacts.storage_name` uses.
FOLDERS: Final = tuple(f"{number:02x}" for number in range(256))

_NAME = re.compile(r"(?P<job_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(?P<token>\d+)\.[a-z]+")


def remove_orphans_in(folder: str) -> int:
    """Delete the orphans of one folder and return their number. Files that Longhaul did not name are left alone.

    A file is an orphan if it is older than ORPHAN_FILE_AGE_SECONDS, its attempt is not running, and no row refers to
    it (`jobs.files.references`). Running attempts are read first: publishing a file ends its attempt.
    """
    return _remove_orphan_files(folder) + _abort_orphan_uploads(folder)


def _remove_orphan_files(folder: str) -> int:
    storage = artifact_storage()
    try:
        listed = storage.listdir(folder)[1]
    except FileNotFoundError:
        return 0
    candidates = _of_ended_attempts(f"{folder}/{name}" for name in listed)
    kept = referenced_names(candidates)
    orphans = [name for name in candidates if name not in kept and _file_is_old(name)]
    for name in orphans:
        storage.delete(name)
        logger.warning("orphan_file_removed", name=name)
    return len(orphans)


def _abort_orphan_uploads(folder: str) -> int:
    """Abort the orphan uploads of a folder. Files with a row need no check: their uploads were completed."""
    storage = artifact_storage()
    old = [upload for upload in storage.unfinished_uploads(folder) if _begun_long_ago(upload.begun_at, upload.name)]
    ended = set(_of_ended_attempts(upload.name for upload in old))
    orphans = [upload for upload in old if upload.name in ended]
    for upload in orphans:
        storage.abort_upload(upload)
        logger.warning("orphan_upload_aborted", name=upload.name)
    return len(orphans)


def _of_ended_attempts(names: Iterable[str]) -> list[str]:
    """The names that `jobs.files.artifacts.storage_name` made for attempts that are not running."""
    attempts: dict[str, tuple[UUID, int]] = {}
    for name in names:
        if match := _NAME.fullmatch(name.rpartition("/")[2]):
            attempts[name] = (UUID(match["job_id"]), int(match["token"]))
    job_ids = {job_id for job_id, _ in attempts.values()}
    running = Job.objects.filter(pk__in=job_ids, state=State.RUNNING).values_list("pk", "fencing_token")
    being_written = set(running) if job_ids else set()
    return [name for name, attempt in attempts.items() if attempt not in being_written]


def _file_is_old(name: str) -> bool:
    storage = artifact_storage()
    try:
        modified = storage.get_modified_time(name)
    except FileNotFoundError:  # the attempt deleted it meanwhile
        return False
    return _begun_long_ago(modified, name) if storage.dates_files_by_beginning else _is_old(modified)


def _begun_long_ago(begun_at: datetime, name: str) -> bool:
    """Whether nobody can still be writing what was begun then.

    A file that a client uploads belongs to no attempt while it is being received, which may take long. Its name has the
    fencing token 0.
    """
    is_received = ".0." in name
    return _is_old(begun_at + timedelta(seconds=settings.UPLOAD_TIMEOUT_SECONDS if is_received else 0))


def _is_old(moment: datetime) -> bool:
    return timezone.now() - moment >= timedelta(seconds=settings.ORPHAN_FILE_AGE_SECONDS)
