"""Files that storage has lost or shortened: detected at a download, recorded in their row, reported to staff."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Self

import structlog
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from prometheus_client import Counter

from jobs.errors import ArtifactError
from jobs.files.artifacts import open_artifact_range, require_stored
from jobs.files.byte_ranges import StoredRange
from jobs.models import Artifact

logger = structlog.get_logger(__name__)

CUT_SHORT: Final = Counter(
    "longhaul_downloads_cut_short",
    "Downloads that storage cut short since this web server started.",
)

#: Selects files that cannot be downloaded although they are not deleted.
DAMAGED: Final = Q(damaged_at__isnull=False, deleted_at=None)


def damaged_files() -> QuerySet[Artifact]:
    """The files that storage has lost or shortened."""
    return Artifact.objects.filter(DAMAGED)


def open_download(artifact: Artifact, *, first: int, last: int) -> WholeRange:
    """Open the bytes from `first` to `last` of a published file to send them; the caller closes the range.

    Raises ArtifactError if the file is missing from storage or has the wrong size, and StorageUnavailableError.
    """
    with _noting_damage(artifact):
        stored = open_artifact_range(artifact, first=first, last=last)
    return WholeRange(stored, length=last - first + 1, cut=lambda error: _note_cut(artifact, error))


def check_download(artifact: Artifact) -> None:
    """Raise the errors that `open_download` would raise, without reading the file."""
    with _noting_damage(artifact):
        require_stored(artifact.storage_name, artifact.size_bytes)


class WholeRange:
    """An iterator over all blocks of a range. It raises an error if storage ends before the range does.

    The server must then close the connection, since the client would take the next response for the rest of the file.
    """

    def __init__(self, stored: StoredRange, *, length: int, cut: Callable[[Exception], None]) -> None:
        """`cut` is called with the error that ends the range early."""
        self.close = stored.close
        self._stored = stored
        self._left = length
        self._cut = cut

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            block = next(self._stored, b"")
            if not block and self._left:
                raise EOFError(f"the file ends {self._left} bytes too early")
        except Exception as error:
            self._cut(error)
            raise
        if not block:
            raise StopIteration
        self._left -= len(block)
        return block


def _note_cut(artifact: Artifact, error: Exception) -> None:
    """Report a download that was cut short, and check whether the file is damaged or only the connection broke."""
    CUT_SHORT.inc()
    logger.error("download_cut_short", job_id=str(artifact.job_id), name=artifact.storage_name, error=repr(error))
    with suppress(Exception):  # the end of the download matters more than an error of this check
        check_download(artifact)


@contextmanager
def _noting_damage(artifact: Artifact) -> Iterator[None]:
    try:
        yield
    except ArtifactError as error:
        if Artifact.objects.filter(pk=artifact.pk, damaged_at=None, deleted_at=None).update(damaged_at=Now()):
            logger.error("file_damaged", job_id=str(artifact.job_id), name=artifact.storage_name, error=str(error))
        raise
    if artifact.damaged_at is not None:
        Artifact.objects.filter(pk=artifact.pk).update(damaged_at=None)
        logger.info("file_is_whole_again", job_id=str(artifact.job_id), name=artifact.storage_name)
