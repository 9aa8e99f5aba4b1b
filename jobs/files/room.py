"""How much room is left where files are stored."""

from __future__ import annotations

import shutil
from typing import Final

from django.core.files.storage import FileSystemStorage, storages

#: Less room than this is worth a warning. Bytes.
LITTLE_ROOM: Final = 1024**3


def free_bytes() -> int | None:
    """How much room there is where files are stored; None for object storage, and where no file was ever written."""
    storage = storages["artifacts"]
    if not isinstance(storage, FileSystemStorage):
        return None
    try:
        return shutil.disk_usage(storage.location).free
    except FileNotFoundError:
        return None


def lack_of_room() -> str:
    """In words, where little room is left for files; empty where there is enough, or nobody knows."""
    free = free_bytes()
    if free is None or free >= LITTLE_ROOM:
        return ""
    return f"The storage of files has only {free / 1024**2:,.0f} MiB left."
