"""The folder that keeps artifacts where `STORAGE_URL` names no object storage."""

import os
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage


class ArtifactFolder(FileSystemStorage):
    """A folder whose files can be opened for writing directly, and are readable by the service only.

    Django's own storage makes missing folders in `save()`, which wants the whole content at once.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(file_permissions_mode=0o600, directory_permissions_mode=0o700, **options)

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        path = Path(self.path(name))
        if "w" in mode:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return File(open(path, mode, opener=_for_the_service_only))


def _for_the_service_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
