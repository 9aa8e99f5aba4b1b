"""The interface of the artifact storage, and its implementation by a folder on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, cast

from django.core.files import File
from django.core.files.storage import FileSystemStorage, storages

from jobs.files.byte_ranges import StoredRange

#: After so many bytes the kernel is asked to begin writing them to disk: what `sync` has to wait for stays small.
WRITE_BACK_BYTES: Final = 1024 * 1024


class ArtifactStorage(Protocol):
    """A Django storage with the further methods that artifacts need.

    Any method may raise OSError if the storage does not answer or refuses.
    """

    #: Whether the modification time of a file is when its writing began, not when it ended.
    dates_files_by_beginning: bool

    def open_for_writing(self, name: str) -> NewFile:
        """Begin a file. Its folder need not exist yet."""

    def open_range(self, name: str, *, first: int, last: int) -> StoredRange:
        """The bytes from `first` to `last`. Errors: FileNotFoundError; EOFError if the file ends before `first`."""

    def unfinished_uploads(self, folder: str) -> Iterable[UnfinishedUpload]:
        """The uploads to a folder that were begun, and take up space, but were neither completed nor aborted."""

    def abort_upload(self, upload: UnfinishedUpload) -> None:
        """Free the space that an upload takes up."""

    def size(self, name: str) -> int:
        """The size of a file in bytes. Errors: FileNotFoundError."""

    def delete(self, name: str) -> None:
        """Delete a file, if it exists."""

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """The folders and the files in a folder. Errors: FileNotFoundError, unless the storage has no folders."""

    def get_modified_time(self, name: str) -> datetime:
        """When a file was written. Errors: FileNotFoundError."""


class NewFile(Protocol):
    """A file that is being written. It is certain to exist once `close` has returned."""

    def write(self, data: bytes, /) -> object:
        """Append `data`."""

    def sync(self) -> None:
        """Make the data written so far survive a crash, if the storage can do that before the end of the file."""

    def close(self) -> None:
        """Complete the file."""

    def abort(self) -> None:
        """Give up the file. What storage already has of it may stay until it is deleted by name."""


@dataclass(frozen=True)
class UnfinishedUpload:
    """An upload to object storage that was begun. The storage has chosen its `upload_id`."""

    name: str
    upload_id: str
    begun_at: datetime


def artifact_storage() -> ArtifactStorage:
    """The storage that `STORAGE_URL` selects (`config.storage`)."""
    return cast("ArtifactStorage", storages["artifacts"])


class ArtifactFolder(FileSystemStorage):
    """A folder whose files can be opened for writing, and that only the service can read.

    Django's own storage creates missing folders in `save()` only, which needs the whole content at once.
    """

    dates_files_by_beginning = False

    def __init__(self, **options: Any) -> None:
        super().__init__(file_permissions_mode=0o600, directory_permissions_mode=0o700, **options)

    def open_for_writing(self, name: str) -> FolderFile:
        """Begin a file, and create its folder if it is missing."""
        path = Path(self.path(name))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FolderFile(open(path, "wb", opener=_for_the_service_only))

    def open_range(self, name: str, *, first: int, last: int) -> StoredRange:
        """The bytes from `first` to `last`."""
        file = open(self.path(name), "rb")  # noqa: SIM115  (closed with the range)
        size = os.fstat(file.fileno()).st_size
        if first > max(0, size - 1):
            file.close()
            raise EOFError(f"{name} has {size} bytes")
        file.seek(first)
        return StoredRange(length=last - first + 1, stored_bytes=size, read=file.read, close=file.close)

    def unfinished_uploads(self, folder: str) -> Iterable[UnfinishedUpload]:
        """None: only object storage has uploads."""
        return ()

    def abort_upload(self, upload: UnfinishedUpload) -> None:
        """Do nothing: only object storage has uploads."""


class FolderFile(File):  # type: ignore[type-arg]
    """A file of the folder that is being written. Its bytes go to disk as they come."""

    _written = _written_back = 0

    def write(self, data: Any, /) -> int:
        """Append bytes. Now and then let the kernel begin to write to disk what has come; nobody waits for that."""
        length: int = cast("BinaryIO", self.file).write(data)
        self._written += length
        if self._written - self._written_back >= WRITE_BACK_BYTES:
            self._write_back()
        return length

    def sync(self) -> None:
        """Flush the file to disk."""
        self.flush()
        os.fsync(self.fileno())

    def abort(self) -> None:
        """Close the file."""
        self.close()

    def _write_back(self) -> None:
        """Linux begins to write dirty pages that are not needed, and keeps them cached until they are written.

        It is told of each page once, so a download still finds them in the cache. Elsewhere `sync` writes them.
        https://man7.org/linux/man-pages/man2/posix_fadvise.2.html
        """
        first, self._written_back = self._written_back, self._written
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self.fileno(), first, self._written - first, os.POSIX_FADV_DONTNEED)


def _for_the_service_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
