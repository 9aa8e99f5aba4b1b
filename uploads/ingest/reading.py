"""From the stored file to its records in the temporary table `staging`: recognize it, scan it, copy its records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext
from psycopg import sql

from jobs.context import JobContext
from tabular.decoding import UTF8
from tabular.locating import Located, locate, stored_start
from tabular.recognition import RecognitionError, Recognized, recognize, utf8_blocks
from tabular.scanner import Scan, ScanError, scan
from uploads.errors import FileError
from uploads.ingest.session import Session
from uploads.ingest.source import blocks_of, require_digest, require_undamaged
from uploads.ingest.staging import STAGING, Staged, stage
from uploads.row_codes import message_for
from uploads.types import UploadType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobs.models import Artifact

#: More columns do not fit into a row of a temporary table.
MOST_COLUMNS: Final = 400
#: PostgreSQL before this version takes a line `\.` for the end of the data.
KNOWS_NO_END_MARKER: Final = 180000
#: How much of the work is done when the records are staged, for the progress.
STAGED: Final = 0.3


@dataclass(frozen=True)
class StagedFile:
    """A file whose records are in `staging`: where it is stored, what it is, and what was found in it."""

    source: Artifact
    recognized: Recognized
    staged: Staged

    @property
    def bytes_of_records(self) -> int | None:
        """The size of what follows the headings; None if the records are staged in another encoding than the file's."""
        return self.source.size_bytes - self.recognized.start_byte if self.recognized.encoding in UTF8 else None


def recognize_file(context: JobContext, upload_type: UploadType, source: Artifact) -> Recognized:
    """What the file is, as far as the order does not say it. Raises FileError, and ArtifactDamagedError as below."""
    declared = context.job.payload["csv"]
    with _only_if_undamaged(context, source):
        try:
            recognized = recognize(
                lambda: blocks_of(source, check=context.check),
                known=upload_type.known_headings(),
                required=upload_type.required_columns(),
                matched=declared.get("headings"),
                encoding=declared["encoding"],
                delimiter=declared["delimiter"],
            )
        except RecognitionError as error:
            raise FileError(error.code, error.detail.said(gettext)) from None
        if len(recognized.headings) > MOST_COLUMNS:
            facts: dict[str, Any] = {"columns": f"{len(recognized.headings):,}", "limit": MOST_COLUMNS}
            raise FileError("too-many-columns", message_for("too-many-columns", **facts))
    return recognized


def stage_file(
    context: JobContext, session: Session, upload_type: UploadType, source: Artifact, recognized: Recognized
) -> StagedFile:
    """Scan the file and copy its records. Raises FileError, and ArtifactDamagedError if it is not what was uploaded."""
    digest, read = hashlib.sha256(), 0

    def blocks() -> Iterator[bytes]:
        nonlocal read
        for block in blocks_of(source, check=context.check):
            digest.update(block)
            read += len(block)
            yield block

    def on_progress(staged: Staged) -> None:
        expected = max(staged.records, staged.records * source.size_bytes // max(1, read))
        context.report_progress(int(staged.records * STAGED), total=expected)
        context.report_details(bytesRead=read, rowsTotal=expected)

    with _only_if_undamaged(context, source):
        try:
            staged = stage(
                session,
                _scan(session, recognized, blocks()),
                width=len(recognized.headings),
                delimiter=recognized.delimiter,
                max_rows=upload_type.max_rows,
                on_progress=on_progress,
            )
        except ScanError as error:
            raise FileError(error.code, message_for(error.code, line=error.line)) from None
    require_digest(source, digest)
    return StagedFile(source, recognized, staged)


def require_rows(file: StagedFile) -> None:
    """Raise FileError if there is nothing but headings."""
    if file.staged.records == file.staged.blank:
        raise FileError("no-rows", message_for("no-rows"))


def require_headings(session: Session, file: StagedFile) -> None:
    """Raise FileError if a column without a heading has cells that are not empty."""
    for index in file.recognized.blank:
        statement = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} <> '')")
        [(found,)] = session.fetch_all(statement.format(STAGING, sql.Identifier(file.staged.cells[index])))
        if found:
            raise FileError("blank-heading", message_for("blank-heading", position=index + 1))


def locate_records(context: JobContext, session: Session, file: StagedFile, wanted: Iterable[int]) -> Iterator[Located]:
    """Scan the file again for the records with these numbers, and for those that are not valid CSV; see `locate`."""
    recognized = file.recognized
    first_byte = stored_start(
        blocks_of(file.source, check=context.check),
        encoding=recognized.encoding,
        start_byte=recognized.start_byte,
    )
    parts = _scan(session, recognized, blocks_of(file.source, check=context.check))
    return locate(parts, wanted, encoding=recognized.encoding, first_byte=first_byte)


def _scan(session: Session, recognized: Recognized, blocks: Iterator[bytes]) -> Scan:
    return scan(
        utf8_blocks(blocks, recognized),
        delimiter=recognized.delimiter,
        width=len(recognized.headings),
        line=recognized.first_line,
        byte=recognized.start_byte,
        refuse_end_marker=session.connection.connection.info.server_version < KNOWS_NO_END_MARKER,
    )


@contextmanager
def _only_if_undamaged(context: JobContext, source: Artifact) -> Iterator[None]:
    """Let a FileError pass only if the file is what was uploaded: the fault may be the storage's."""
    try:
        yield
    except FileError:
        require_undamaged(source, check=context.check)
        raise
