"""The files that an attempt leaves beside its source: what became of each record, the rejected ones, the old values."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from jobs.context import JobContext
from jobs.files.artifacts import ArtifactWriter, discard_files
from jobs.models import Artifact
from tabular.headings import ERRORS_HEADING, LINE_HEADING
from uploads.ingest.error_report import ErrorFile, ErrorReport, Problems, write_errors
from uploads.ingest.images import write_images
from uploads.ingest.messages import Messages
from uploads.ingest.reading import StagedFile, locate_records
from uploads.ingest.reserving import reserve_keys
from uploads.ingest.results import write_results
from uploads.ingest.session import Session

if TYPE_CHECKING:
    from uploads.ingest.target import Target
    from uploads.types import Counts, UploadType


def open_csv(
    context: JobContext, upload_type: UploadType, role: Artifact.Role, suffix: str, *, encoding: str = "utf-8"
) -> ArtifactWriter:
    """Open `<the name of the uploaded file>-<suffix>.csv`, to be kept as long as the type says."""
    return context.open_artifact(
        role,
        filename=f"{_stem(context)}-{suffix}.csv",
        content_type=f"text/csv; charset={encoding}; header=present",
        encoding=encoding,
        retention=upload_type.retention,
    )


def store_results(context: JobContext, session: Session, target: Target) -> None:
    """Write what becomes of each record."""
    with open_csv(context, target.upload_type, Artifact.Role.RESULTS, "results") as writer:
        write_results(session, target, writer, check=context.check)


def store_errors(context: JobContext, session: Session, file: StagedFile, messages: Messages) -> ErrorReport:
    """Write the rejected records, up to the type's `max_errors` problems; what the status says about all of them."""
    recognized, upload_type = file.recognized, messages.upload_type
    problems = Problems(session, at_most=upload_type.max_errors)
    report = ErrorReport(messages, problems.counts())
    located = locate_records(context, session, file, problems.records())
    own = {LINE_HEADING, ERRORS_HEADING}
    with open_csv(context, upload_type, Artifact.Role.ERRORS, "errors", encoding=recognized.encoding) as writer:
        errors = ErrorFile(
            writer,
            headings=recognized.headings,
            delimiter=recognized.delimiter,
            encoding=recognized.encoding,
            line_end=recognized.line_end,
            ignored={index for index, heading in enumerate(recognized.headings) if heading in own},
        )
        write_errors(errors, located, problems, report)
    return report


def store_images(context: JobContext, session: Session, target: Target, counts: Counts) -> None:
    """Write what an undo needs, if it is possible and would have something to do."""
    if (counts.inserted and not reserve_keys(session, target)) or not counts.inserted + counts.updated:
        return
    with context.open_artifact(
        Artifact.Role.BEFORE,
        filename=f"{_stem(context)}-before.gz",
        content_type="application/gzip",
        encoding="utf-8",
        retention=target.upload_type.retention,
    ) as writer:
        write_images(session, target, counts, writer, check=context.check)


def discard_images(context: JobContext) -> None:
    """Delete the old values again: nothing was written, so there is nothing to undo. The other files say why."""
    images = [writer for writer in context.written if writer.role == Artifact.Role.BEFORE]
    context.written = [writer for writer in context.written if writer not in images]
    discard_files(images)


def _stem(context: JobContext) -> str:
    return PurePath(context.job.payload["file"]["filename"]).stem
