"""Files in the artifact storage that belong to nobody: their attempt's worker was killed as it wrote them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.core.files.storage import storages
from django.utils import timezone

from jobs.artifacts import published_names
from jobs.models import Job
from jobs.states import State

logger = structlog.get_logger(__name__)

#: The folders over which `jobs.artifacts.storage_name` spreads the files.
FOLDERS: Final = tuple(f"{number:02x}" for number in range(256))

_NAME = re.compile(r"(?P<job_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(?P<token>\d+)\.[a-z]+")


def remove_orphans_in(folder: str) -> int:
    """Delete the orphans of one folder; returns how many. Files that Longhaul did not name are left alone.

    A file is an orphan when it is older than ORPHAN_FILE_AGE_SECONDS, no published artifact refers to it, and
    the attempt of its name does not run. Whether it runs is asked first: publishing ends that.
    """
    storage = storages["artifacts"]
    try:
        found = {f"{folder}/{name}": match for name in storage.listdir(folder)[1] if (match := _NAME.fullmatch(name))}
    except FileNotFoundError:
        return 0
    being_written = set(
        Job.objects.filter(pk__in={UUID(match["job_id"]) for match in found.values()}, state=State.RUNNING).values_list(
            "pk", "fencing_token"
        )
    )
    candidates = [name for name, match in found.items() if _attempt(match) not in being_written]
    published = published_names(candidates)
    orphans = [name for name in candidates if name not in published and _is_old(name)]
    for name in orphans:
        storage.delete(name)
        logger.warning("orphan_file_removed", name=name)
    return len(orphans)


def _is_old(name: str) -> bool:
    try:
        written_at = storages["artifacts"].get_modified_time(name)
    except FileNotFoundError:  # its attempt deleted it meanwhile
        return False
    return timezone.now() - written_at >= timedelta(seconds=settings.ORPHAN_FILE_AGE_SECONDS)


def _attempt(match: re.Match[str]) -> tuple[UUID, int]:
    return UUID(match["job_id"]), int(match["token"])
