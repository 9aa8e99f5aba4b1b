"""The folder that keeps artifacts where `STORAGE_URL` names no object storage."""

from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage


class ArtifactFolder(FileSystemStorage):
    """A folder whose files can be opened for writing directly, and are readable by the service only.

    Django's own storage makes missing folders in `save()`, which wants the whole content at once.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(file_permissions_mode=0o600, directory_permissions_mode=0o700, **options)

    def _open(self, name: str, mode: str = "rb") -> Any:
        if "w" in mode:
            Path(self.path(name)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return super()._open(name, mode)  # type: ignore[misc]  # not in the stubs
