"""Run a report type's query and stream the rows into the job's artifact."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import partial
from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser

from jobs.context import JobContext
from jobs.errors import PermanentError
from jobs.localization import translated
from jobs.models import Artifact
from jobs.pacing.governor import governed
from jobs.payloads.masked import secrets_of
from reports.cells import large_cells_named
from reports.filenames import name_file
from reports.open_query import ReportQuery
from reports.source import database_to_read
from reports.types import ReportType
from tabular.copy_stream import CHUNK_BYTES, copy_rows
from tabular.dialect import Dialect
from tabular.encoding import Encoder, UnencodableError
from tabular.rows import Rows

GZIP_LEVEL = 1  # compresses on one core faster than PostgreSQL sends; higher levels save little on CSV
GZIP_WBITS = 31  # a gzip header and a window of 32 KiB: https://docs.python.org/3/library/zlib.html#zlib.compressobj


def export_report(
    context: JobContext,
    report_type: ReportType,
    parameters: dict[str, Any],
    dialect: Dialect,
    *,
    chosen: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Write the report into the artifact `result` of the job; return the job's result. `chosen` is for `ReportQuery`.

    Raises PermanentError, UnknownColumnError, CellTooLargeError, PostponedError or another AttemptStoppedError,
    LeaseLostError, or a database error.
    """
    owner = cast("AbstractBaseUser", context.job.owner)
    filename = name_file(report_type, parameters, extension=dialect.extension, secrets=secrets_of(context.job))
    report_query = ReportQuery(report_type, parameters, owner, chosen=chosen)
    with (
        governed(context, report_type.dials) as governor,
        report_query.open(
            database_to_read(governor.dials, report_type.without_replica, notes=governor.notes),
            application_name=f"longhaul {context.job.pk}",
            statement_timeout_seconds=governor.dials.statement_timeout_seconds,
        ) as query,
        context.interruptible(query.connection.cancel_safe),
    ):
        statement, headings = query.copy_statement(dialect), query.headings
        expected = query.expected_rows()
        context.report_progress(0, total=expected.rows if expected else None)
        copied = copy_rows(
            query.connection, statement, check=governor.check, chunk_bytes=partial(governor.chunk_bytes, CHUNK_BYTES)
        )
        with closing(copied) as chunks, large_cells_named(headings):
            _write(context, report_type, filename, dialect, headings, governor.paced(chunks))
    return {"rowCount": context.rows_done}


def _write(
    context: JobContext,
    report_type: ReportType,
    filename: str,
    dialect: Dialect,
    headings: list[str],
    chunks: Iterable[Rows],
) -> None:
    encoder = Encoder(dialect, headings)
    gzip = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WBITS) if dialect.compression == "gzip" else None
    with context.open_artifact(
        Artifact.Role.RESULT,
        filename=filename,
        content_type=dialect.content_type,
        encoding=dialect.encoding,
        retention=report_type.retention,
    ) as artifact:

        def write(rows: Rows) -> None:
            try:
                data = encoder.encode(rows)
            except UnencodableError as error:
                public = translated(error.detail)
                raise PermanentError(str(error), code="unencodable-character", public=public) from error
            artifact.write(gzip.compress(data) if gzip else data)

        write(Rows(dialect.heading_line(headings), 1))
        for rows in chunks:
            write(rows)
            artifact.row_count += rows.count
            context.report_progress(artifact.row_count)
        if gzip:
            artifact.write(gzip.flush())
