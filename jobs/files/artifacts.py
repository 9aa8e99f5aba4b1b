"""Files of jobs: written under a name that only their attempt uses, counted and hashed, then published or deleted.

A file is not visible to its owner until `jobs.worker.transitions.finish_job` has published it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Final, Self
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models.functions import Now

from jobs.errors import ArtifactDamagedError, ArtifactMissingError, StorageUnavailableError
from jobs.events import record_event
from jobs.files.byte_ranges import StoredRange
from jobs.files.storage import NewFile, artifact_storage
from jobs.models import Artifact, Attempt, Event, Job
from jobs.postgres.commit import in_transaction

logger = structlog.get_logger(__name__)

#: Bytes between flushes of a file to disk: a large flush would delay the commits of others. The storage begins to write
#: before (`jobs.files.storage.WRITE_BACK_BYTES`), so a flush waits for little.
SYNC_BYTES: Final = 8 * 1024 * 1024


class ArtifactWriter:
    """Writes one file of an attempt; a context manager. Its user counts the rows in `row_count`.

    After a clean exit the file is complete (and flushed to disk, if the storage is a folder), and `artifact()`
    describes it.
    """

    def __init__(
        self,
        attempt: Attempt,
        role: Artifact.Role,
        *,
        filename: str,
        content_type: str,
        encoding: str,
        retention: timedelta | None = None,
        part: str = "",
    ) -> None:
        """`part` tells files of a job with the same role apart; up to 20 characters for the name in storage."""
        self.part = part
        self.attempt = attempt
        self.role = role
        self.filename = filename
        self.content_type = content_type
        self.encoding = encoding
        self.retention = retention or timedelta(days=settings.RETENTION_DAYS)
        self.storage_name = storage_name(attempt.job_id, attempt.fencing_token, f"{role}-{part}" if part else role)
        self.row_count = 0
        self.size_bytes = self._synced_bytes = 0
        self.is_complete = self.may_be_published = False
        self._sha256 = hashlib.sha256()
        self._file: NewFile

    def __enter__(self) -> Self:
        self._file = artifact_storage().open_for_writing(self.storage_name)
        return self

    def write(self, data: bytes) -> None:
        """Append `data` as it is."""
        self._file.write(data)
        self._sha256.update(data)
        self.size_bytes += len(data)
        if self.size_bytes - self._synced_bytes >= SYNC_BYTES:
            self._sync()

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            with suppress(Exception):  # `error` matters more than a failure to close a file that will be deleted
                self._file.abort()
            return
        self._sync()
        self._file.close()
        self.is_complete = True

    @property
    def sha256(self) -> str:
        """Of the bytes written so far, hexadecimal."""
        return self._sha256.hexdigest()

    def _sync(self) -> None:
        self._synced_bytes = self.size_bytes
        self._file.sync()

    def artifact(self) -> Artifact:
        """The unsaved row that describes the finished file; `finish_job` publishes it.

        Raises ArtifactError if the file was not written to its end, or is missing from storage, as its folder may have
        been deleted meanwhile; and StorageUnavailableError.
        """
        if not self.is_complete:
            raise ArtifactDamagedError(f"{self.storage_name} was not written to its end")
        require_stored(self.storage_name, self.size_bytes)
        self.may_be_published = True
        return Artifact(
            job_id=self.attempt.job_id,
            attempt=self.attempt.number,
            role=self.role,
            part=self.part,
            storage_name=self.storage_name,
            filename=self.filename,
            content_type=self.content_type,
            encoding=self.encoding,
            row_count=self.row_count,
            size_bytes=self.size_bytes,
            sha256=self.sha256,
            published_at=Now(),
            expires_at=Now() + self.retention,
        )


def storage_name(job_id: UUID, fencing_token: int, role: str) -> str:
    """The name in storage that only this attempt writes to. Files are spread over 256 folders."""
    return f"{job_id.hex[-2:]}/{job_id}.{fencing_token}.{role}"


def open_artifact_range(artifact: Artifact, *, first: int, last: int) -> StoredRange:
    """Open the bytes from `first` to `last` of a published file; the caller closes the range.

    Raises ArtifactError if the file is missing from storage or has the wrong size, and StorageUnavailableError.
    """
    name = artifact.storage_name
    with _translating_errors(name):
        stored = artifact_storage().open_range(name, first=first, last=last)
    try:
        _require_size(name, found=stored.stored_bytes, written=artifact.size_bytes)
    except ArtifactDamagedError:
        stored.close()
        raise
    return stored


def require_stored(name: str, size_bytes: int) -> None:
    """Raise ArtifactError unless storage has a file of this name and size. Also raises StorageUnavailableError."""
    with _translating_errors(name):
        found = artifact_storage().size(name)
    _require_size(name, found=found, written=size_bytes)


@contextmanager
def _translating_errors(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ArtifactMissingError(f"{name} is not in storage") from None
    except EOFError as error:
        raise ArtifactDamagedError(str(error)) from None
    except OSError as error:
        raise StorageUnavailableError(f"{name}: {error}") from error


def _require_size(name: str, *, found: int, written: int) -> None:
    if found != written:
        raise ArtifactDamagedError(f"{name} has {found} bytes in storage; {written} were written")


def discard_files(writers: Sequence[ArtifactWriter]) -> None:
    """Delete the files of an attempt that were not published.

    If the answer to a commit was lost, only the database knows whether it published them. Files that cannot be deleted
    now are left to the sweep `remove_orphan_files`.
    """
    try:
        doubtful = [writer.storage_name for writer in writers if writer.may_be_published]
        published = published_names(doubtful) if doubtful else set()
        for writer in writers:
            if writer.storage_name not in published:
                artifact_storage().delete(writer.storage_name)
    except Exception as error:  # whatever storage and database raise: the end of the attempt matters more
        logger.warning("files_left_behind", error=repr(error))


def published_names(names: Iterable[str]) -> set[str]:
    """The names among these that a published artifact refers to."""
    kept = Artifact.objects.filter(storage_name__in=list(names), deleted_at=None)
    return set(kept.values_list("storage_name", flat=True))


def delete_artifact_file(artifact: Artifact) -> bool:
    """Delete an expired file, then record that in its row. False if another process recorded it. Safe to repeat."""
    artifact_storage().delete(artifact.storage_name)

    def record_deletion() -> bool:
        # Lock the job first, as every transaction does: the new event refers to it.
        Job.objects.select_for_update(no_key=True).only("pk").filter(pk=artifact.job_id).first()
        recorded = Artifact.objects.filter(pk=artifact.pk, deleted_at=None).update(deleted_at=Now()) == 1
        if recorded:
            record_event(artifact.job_id, Event.Name.EXPIRED, file=artifact.filename)
        return recorded

    return in_transaction(record_deletion)
