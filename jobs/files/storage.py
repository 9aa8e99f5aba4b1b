"""What artifacts need of a storage, and the folder that keeps them where `STORAGE_URL` names no object storage."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

from django.core.files import File
from django.core.files.storage import FileSystemStorage, storages

from jobs.files.byte_ranges import StoredRange


class ArtifactStorage(Protocol):
    """A storage of Django's, and what artifacts need beyond it.

    Any method may raise OSError when the storage does not answer, or refuses.
    """

    def open_for_writing(self, name: str) -> NewFile:
        """Begin a file, in a folder that need not be there yet."""

    def open_range(self, name: str, *, first: int, last: int) -> StoredRange:
        """The bytes from `first` to `last`. Errors: FileNotFoundError; EOFError when the file ends before `first`."""

    def unfinished_uploads(self, folder: str) -> Iterable[UnfinishedUpload]:
        """Files of a folder that take up room and are not there yet, because nobody has completed them."""

    def abort_upload(self, upload: UnfinishedUpload) -> None:
        """Free the room that it takes up."""

    def size(self, name: str) -> int:
        """Bytes of a file. Errors: FileNotFoundError."""

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Folders and files. Errors: FileNotFoundError where the storage has folders."""

    def get_modified_time(self, name: str) -> datetime:
        """When a file was written. Errors: FileNotFoundError."""


class NewFile(Protocol):
    """A file that is being written. It is there for certain once `close` has returned."""

    def write(self, data: bytes, /) -> object:
        """Append."""

    def sync(self) -> None:
        """Bring what was written to where it survives a crash, if the storage can do so before the end."""

    def close(self) -> None:
        """Complete the file."""

    def abort(self) -> None:
        """Give up: the file is not to be. What the storage has of it may stay until it is deleted by name."""


@dataclass(frozen=True)
class UnfinishedUpload:
    """An upload to object storage that was begun; `upload_id` is the storage's."""

    name: str
    upload_id: str
    begun_at: datetime


def artifact_storage() -> ArtifactStorage:
    """The storage that `STORAGE_URL` names (`config.storage`)."""
    return cast("ArtifactStorage", storages["artifacts"])


class ArtifactFolder(FileSystemStorage):
    """A folder whose files can be opened for writing directly, and are readable by the service only.

    Django's own storage makes missing folders in `save()`, which wants the whole content at once.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(file_permissions_mode=0o600, directory_permissions_mode=0o700, **options)

    def open_for_writing(self, name: str) -> FolderFile:
        """Begin a file, and make its folder where it is missing."""
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
        """There are none: what is being written is a file."""
        return ()

    def abort_upload(self, upload: UnfinishedUpload) -> None:
        """There are none."""


class FolderFile(File):  # type: ignore[type-arg]
    """A file of the folder that is being written."""

    def sync(self) -> None:
        """Write it to the disk."""
        self.flush()
        os.fsync(self.fileno())

    def abort(self) -> None:
        """Close it."""
        self.close()


def _for_the_service_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
