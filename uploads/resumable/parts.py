"""The stored parts of resumable uploads: written under a name of their own, committed, read, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from typing import Final

import structlog
from django.db import connection
from django.db.models import QuerySet
from uuid_utils.compat import uuid7

from jobs.errors import StorageUnavailableError
from jobs.files.artifacts import SYNC_BYTES, storage_name
from jobs.files.storage import artifact_storage
from jobs.postgres.commit import in_transaction
from uploads.api.receiving import storing
from uploads.models import ResumableUpload, UploadPart
from uploads.resumable.claiming import next_expiry
from uploads.resumable.errors import OvertakenError, PartLostError

logger = structlog.get_logger(__name__)

#: A smaller last part is absorbed by the next one: however small the requests are, a file has few parts.
SMALL_PART_BYTES: Final = 1024 * 1024


class PartFile:
    """Bytes that follow the stored ones, while they are being stored. `part` is their row, not yet saved.

    Begins with the bytes of `absorbed`, the upload's last part, which it replaces.
    """

    def __init__(self, upload: ResumableUpload, *, absorbed: UploadPart | None) -> None:
        self.upload = upload
        self.absorbed = absorbed
        part_id = uuid7()
        first = upload.offset_bytes - (absorbed.size_bytes if absorbed else 0)
        name = storage_name(part_id, 0, "part")
        self.part = UploadPart(id=part_id, upload=upload, first_byte=first, size_bytes=0, storage_name=name)
        self._unsynced = 0
        with storing():
            self._file = artifact_storage().open_for_writing(name)
        try:
            for block in blocks_of(absorbed) if absorbed else ():
                self.write(block)
        except BaseException:
            self.discard()
            raise

    @property
    def end(self) -> int:
        """The number of the byte that follows."""
        return self.part.first_byte + self.part.size_bytes

    def write(self, data: bytes) -> None:
        """Append `data`. Raises StorageUnavailableError."""
        with storing():
            self._file.write(data)
            self.part.size_bytes += len(data)
            self._unsynced += len(data)
            if self._unsynced >= SYNC_BYTES:
                self._file.sync()
                self._unsynced = 0

    def close(self) -> None:
        """Complete the file in storage. Raises StorageUnavailableError."""
        with storing():
            self._file.sync()
            self._file.close()

    def discard(self) -> None:
        """Delete the file, unless its row was committed. A file that cannot be deleted now is left to the sweep."""
        with suppress(Exception):  # it may have been closed
            self._file.abort()
        try:
            if not UploadPart.objects.filter(pk=self.part.pk).exists():
                artifact_storage().delete(self.part.storage_name)
        except Exception as error:  # the end of the request matters more
            logger.warning("files_left_behind", error=repr(error))

    def commit(self) -> None:
        """Publish the closed file as a part of the upload. Raises OvertakenError if another request has taken over."""
        upload, expires_at = self.upload, next_expiry()

        def publish() -> None:
            if guarded(upload).update(offset_bytes=self.end, expires_at=expires_at) != 1:
                raise OvertakenError
            if self.absorbed:
                UploadPart.objects.filter(pk=self.absorbed.pk).delete()
            self.part.save(force_insert=True)

        in_transaction(publish)
        upload.offset_bytes, upload.expires_at = self.end, expires_at
        if self.absorbed:
            delete_files([self.absorbed.storage_name])
        release_session()


def guarded(upload: ResumableUpload) -> QuerySet[ResumableUpload]:
    """The row, if this request is still the one that may write it."""
    return ResumableUpload.objects.filter(
        pk=upload.pk, fencing_token=upload.fencing_token, offset_bytes=upload.offset_bytes, job_id=None
    )


def small_last_part(upload: ResumableUpload) -> UploadPart | None:
    """The last part, if the next one is to absorb it."""
    last = UploadPart.objects.filter(upload=upload).order_by("-first_byte").first()
    return last if last and last.size_bytes < SMALL_PART_BYTES else None


def blocks_of(part: UploadPart) -> Iterator[bytes]:
    """The bytes of a part. Raises PartLostError if storage no longer has all of them, and StorageUnavailableError."""
    left = part.size_bytes
    try:
        with closing(artifact_storage().open_range(part.storage_name, first=0, last=left - 1)) as stored:
            for block in stored if stored.stored_bytes == part.size_bytes else ():
                left -= len(block)
                yield block
    except (FileNotFoundError, EOFError):
        raise PartLostError(part) from None
    except Exception as error:
        raise StorageUnavailableError(f"{part.storage_name}: {error}") from error
    if left:
        raise PartLostError(part)


def forget_from(lost: UploadPart) -> None:
    """Set the upload back to the beginning of a lost part, so that the client sends its bytes again."""

    def set_back() -> list[str]:
        row = ResumableUpload.objects.select_for_update().filter(pk=lost.upload_id, job_id=None).first()
        if row is None or not UploadPart.objects.filter(pk=lost.pk).exists():
            return []
        rest = UploadPart.objects.filter(upload=row, first_byte__gte=lost.first_byte)
        names = list(rest.values_list("storage_name", flat=True))
        rest.delete()
        row.offset_bytes = lost.first_byte
        row.fencing_token += 1
        row.save(update_fields=["offset_bytes", "fencing_token"])
        return names

    logger.error("upload_part_lost", name=lost.storage_name)
    delete_files(in_transaction(set_back))


def delete_files(names: Iterable[str]) -> None:
    """Delete files to which no row refers any more. Those that cannot be deleted now are left to the sweep."""
    try:
        for name in names:
            artifact_storage().delete(name)
    except Exception as error:  # the rows matter more
        logger.warning("files_left_behind", error=repr(error))


def release_session() -> None:
    """Close the connection to PostgreSQL: no session waits for a client or for the storage."""
    if not connection.in_atomic_block:
        connection.close()


def parts_in_storage(names: Iterable[str]) -> set[str]:
    """The names among these that belong to a part, for `jobs.files.references`."""
    return set(UploadPart.objects.filter(storage_name__in=list(names)).values_list("storage_name", flat=True))
