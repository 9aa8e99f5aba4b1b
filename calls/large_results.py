"""Results that are too large for a row: files of the job, one for each step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Final

from jobs.context import JobContext
from jobs.errors import ArtifactError, PermanentError
from jobs.files.artifacts import ArtifactWriter, discard_files, open_artifact_range
from jobs.models import Artifact

#: How long the file of a step is kept. A dead call that is requeued later cannot continue.
KEPT: Final = timedelta(days=90)


@contextmanager
def large_result(context: JobContext, *, name: str, data: bytes) -> Iterator[ArtifactWriter]:
    """Write the file of a step. It is deleted after the block unless the block has saved its row."""
    part = sha256(name.encode()).hexdigest()[:16]
    writer = ArtifactWriter(
        context.attempt,
        Artifact.Role.STEP,
        filename="step.json",
        content_type="application/json",
        encoding="utf-8",
        retention=KEPT,
        part=part,
    )
    try:
        with writer:
            writer.write(data)
        yield writer
    finally:
        discard_files([writer])


def read_large(artifact: Artifact | None, *, name: str) -> bytes:
    """The result of a step, from its file. Raises PermanentError `step-result-lost`, and StorageUnavailableError."""
    if artifact is not None and artifact.deleted_at is None:
        try:
            with closing(open_artifact_range(artifact, first=0, last=artifact.size_bytes - 1)) as stored:
                data = b"".join(stored)
        except ArtifactError:
            data = b""
        if len(data) == artifact.size_bytes:
            return data
    raise PermanentError(
        f"The step {name!r} is done, but the file with its result is gone. It is not repeated.",
        code="step-result-lost",
        public="A stored result of the call was lost, and its request is not repeated.",
    )
