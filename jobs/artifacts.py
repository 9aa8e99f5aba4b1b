"""Files of jobs: written under the attempt's own name, counted and hashed on the way, published or deleted.

No file is visible to its owner before `jobs.transitions.finish_job` has published it.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import IO, Self
from uuid import UUID

import structlog
from django.conf import settings
from django.core.files.storage import storages
from django.db.models.functions import Now

from jobs.errors import ArtifactMissingError
from jobs.models import Artifact, Attempt

logger = structlog.get_logger(__name__)


class ArtifactWriter:
    """Writes one file of an attempt; a context manager.

    `write` takes bytes as they shall be stored. Count the rows in `row_count`. After a clean exit the
    file is complete, flushed to disk where the storage is a folder, and `artifact()` describes it.
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
    ) -> None:
        self.attempt = attempt
        self.role = role
        self.filename = filename
        self.content_type = content_type
        self.encoding = encoding
        self.retention = retention or timedelta(days=settings.RETENTION_DAYS)
        self.storage_name = storage_name(attempt.job_id, attempt.fencing_token, role)
        self.row_count = 0
        self.size_bytes = 0
        self._sha256 = hashlib.sha256()
        self._file: IO[bytes]

    def __enter__(self) -> Self:
        self._file = storages["artifacts"].open(self.storage_name, "wb")
        return self

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self._file.write(data)
        self._sha256.update(data)
        self.size_bytes += len(data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._file.flush()
            with suppress(OSError, AttributeError):  # object storage has no file descriptor
                os.fsync(self._file.fileno())
        self._file.close()

    def artifact(self) -> Artifact:
        """The unsaved row that describes the finished file; publishing it is `finish_job`'s."""
        return Artifact(
            job_id=self.attempt.job_id,
            attempt=self.attempt.number,
            role=self.role,
            storage_name=self.storage_name,
            filename=self.filename,
            content_type=self.content_type,
            encoding=self.encoding,
            row_count=self.row_count,
            size_bytes=self.size_bytes,
            sha256=self._sha256.hexdigest(),
            published_at=Now(),
            expires_at=Now() + self.retention,
        )


def storage_name(job_id: UUID, fencing_token: int, role: str) -> str:
    """The name in storage that only this attempt writes. The folder spreads files over 256 of them."""
    return f"{job_id.hex[-2:]}/{job_id}.{fencing_token}.{role}"


def open_artifact_file(artifact: Artifact) -> IO[bytes]:
    """Open a published file for reading. Raises ArtifactMissingError when storage has lost it."""
    try:
        return storages["artifacts"].open(artifact.storage_name, "rb")
    except FileNotFoundError:
        raise ArtifactMissingError(f"{artifact.storage_name} is not in storage") from None


def discard_unpublished(names: list[str]) -> None:
    """Delete those of an attempt's files that no published artifact refers to.

    A commit whose answer was lost may have published them after all, so the database is asked.
    """
    published = set(Artifact.objects.filter(storage_name__in=names).values_list("storage_name", flat=True))
    for name in names:
        if name not in published:
            storages["artifacts"].delete(name)


def delete_artifact_file(artifact: Artifact) -> None:
    """Delete the file, then say so in the row. Safe to repeat."""
    storages["artifacts"].delete(artifact.storage_name)
    Artifact.objects.filter(pk=artifact.pk, deleted_at=None).update(deleted_at=Now())
