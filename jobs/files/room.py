"""The free space of the file storage."""

from __future__ import annotations

import shutil
from typing import Final

from django.core.files.storage import FileSystemStorage, storages

#: Less free space than this is reported.
LOW_STORAGE_BYTES: Final = 1024**3


def free_bytes() -> int | None:
    """The free space of the file storage; None for object storage, or if no file was ever written."""
    storage = storages["artifacts"]
    if not isinstance(storage, FileSystemStorage):
        return None
    try:
        return shutil.disk_usage(storage.location).free
    except FileNotFoundError:
        return None


def storage_shortage() -> str:
    """A message if the file storage has little space left; empty if it has enough, or if that is unknown."""
    free = free_bytes()
    if free is None or free >= LOW_STORAGE_BYTES:
        return ""
    return f"The file storage has only {free / 1024**2:,.0f} MiB left."
