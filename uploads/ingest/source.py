"""The stored file of an upload, read block by block as often as the pipeline needs it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from django.utils.translation import gettext_noop as _

from jobs.errors import ArtifactDamagedError, PermanentError
from jobs.files.artifacts import open_artifact_range
from jobs.models import Artifact, Job

if TYPE_CHECKING:
    from hashlib import _Hash


def source_of(job: Job) -> Artifact:
    """The row of the job's file. Raises PermanentError if it has expired."""
    artifact = Artifact.objects.filter(job=job, role=Artifact.Role.SOURCE, deleted_at=None).first()
    if artifact is None:
        raise PermanentError(_("The uploaded file has expired. Upload it again."), code="source-expired")
    return artifact


def blocks_of(artifact: Artifact, *, check: Callable[[], None]) -> Iterator[bytes]:
    """The file from its beginning, in blocks of up to 256 KiB; `check` is called before each and may raise.

    Raises ArtifactMissingError (a volume that is not mounted looks like that, too), ArtifactDamagedError and
    StorageUnavailableError.
    """
    if not artifact.size_bytes:
        return
    found = 0
    with closing(open_artifact_range(artifact, first=0, last=artifact.size_bytes - 1)) as stored:
        for block in stored:
            check()
            found += len(block)
            yield block
    if found != artifact.size_bytes:
        raise ArtifactDamagedError(f"{artifact.storage_name} ends after {found} of {artifact.size_bytes} bytes")


def require_undamaged(artifact: Artifact, *, check: Callable[[], None]) -> None:
    """Read the whole file, before its user is told that it is wrong. Raises ArtifactDamagedError, as `blocks_of`."""
    digest = hashlib.sha256()
    for block in blocks_of(artifact, check=check):
        digest.update(block)
    require_digest(artifact, digest)


def require_digest(artifact: Artifact, digest: _Hash) -> None:
    """Raise ArtifactDamagedError unless this is the SHA-256 of the file that was uploaded."""
    if digest.hexdigest() != artifact.sha256:
        raise ArtifactDamagedError(f"{artifact.storage_name} is not what was uploaded")
