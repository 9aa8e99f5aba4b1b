"""Put the mended rows of an order into its stored file, once, before the file is read.

The file is written anew and takes the place of the former one in the same transaction in which the order says so. An
attempt that is interrupted before leaves the former file and the order as they were, so the next one begins again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext, gettext_noop

from jobs.context import JobContext
from jobs.errors import PermanentError
from jobs.files.artifacts import ArtifactWriter, discard_files
from jobs.files.storage import artifact_storage
from jobs.models import Artifact, Job
from jobs.payloads.masked import index_payload
from tabular.headings import KnownHeadings
from tabular.offsets import UnknownOffsetError
from tabular.recognition import RecognitionError, find_format
from tabular.replacing import Cut, UnknownRecordError, cuts_for, spliced
from uploads.errors import FileError
from uploads.ingest.source import blocks_of, require_digest, require_undamaged
from uploads.mending import CELLS, MendedRows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uploads.types import UploadType

logger = structlog.get_logger(__name__)


def with_mended_rows(context: JobContext, upload_type: UploadType, source: Artifact) -> Artifact:
    """The source of the job with its mended rows in it: the row of a new file, unless an attempt has written it before.

    Raises FileError if the file is not CSV any more for its type, PermanentError if a mended row cannot be found in it,
    LeaseLostError, and the errors of `blocks_of`.
    """
    rows = MendedRows.pending_in(context.job.payload)
    if rows is None:
        return source
    cuts = _cuts(context, upload_type, source, rows)
    writer = ArtifactWriter(
        context.attempt,
        Artifact.Role.SOURCE,
        filename=context.job.payload["file"]["filename"],
        content_type=source.content_type,
        encoding=source.encoding,
        retention=upload_type.retention,
    )
    try:
        with writer:
            for block in spliced(_verified(context, source), cuts):
                writer.write(block)
        _exchange(context, source, writer.artifact())
    finally:
        discard_files([writer])  # unless its row says that it is kept
    _delete(source)
    return Artifact.objects.get(pk=source.pk)


def _cuts(context: JobContext, upload_type: UploadType, source: Artifact, rows: MendedRows) -> list[Cut]:
    def blocks() -> Iterable[bytes]:
        return blocks_of(source, check=context.check)

    names = KnownHeadings(upload_type.known_headings(), context.job.payload["csv"].get("headings"))
    try:
        form = find_format(blocks, names, encoding=rows.encoding, delimiter=rows.delimiter)
        return cuts_for(blocks, form, rows.changes)
    except RecognitionError as error:
        require_undamaged(source, check=context.check)
        raise FileError(error.code, error.detail.said(gettext)) from None
    except (UnknownRecordError, UnknownOffsetError, UnicodeEncodeError) as error:
        require_undamaged(source, check=context.check)
        raise PermanentError(
            gettext_noop("The mended rows could not be put into the file. Mend them in the file itself, and upload it.")
        ) from error


def _verified(context: JobContext, source: Artifact) -> Iterator[bytes]:
    """The file. Raises ArtifactDamagedError at its end if it is not what was uploaded."""
    digest = hashlib.sha256()
    for block in blocks_of(source, check=context.check):
        digest.update(block)
        yield block
    require_digest(source, digest)


def _exchange(context: JobContext, source: Artifact, mended: Artifact) -> None:
    """Let the job have the new file in place of the former one, and its order say that the rows are in."""
    job = context.job
    file: dict[str, Any] = {"sizeBytes": mended.size_bytes, "sha256": mended.sha256}
    payload = {
        **job.payload,
        "mended": {**job.payload["mended"], CELLS: None},
        "file": {**job.payload["file"], **file},
    }
    with transaction.atomic():
        held = Job.objects.held_by(job.pk, context.attempt.fencing_token)
        if not held.update(payload=payload, updated_at=Now()):
            raise context.lease_lost()
        job.payload = payload
        index_payload(job)
        changed = ("storage_name", "filename", "size_bytes", "sha256", "attempt", "expires_at")
        Artifact.objects.filter(pk=source.pk).update(**{name: getattr(mended, name) for name in changed})


def _delete(source: Artifact) -> None:
    """Delete the former file, to which no row refers now. What is left is found by the sweep `remove_orphan_files`."""
    try:
        artifact_storage().delete(source.storage_name)
    except Exception as error:  # whatever the storage raises: the rows are in the new file
        logger.warning("file_left_behind", name=source.storage_name, error=repr(error))
