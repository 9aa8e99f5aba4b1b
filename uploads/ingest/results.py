"""The action of each record, in the order of the file: an artifact of the job."""

from __future__ import annotations

from collections.abc import Callable

from psycopg import sql

from jobs.files.artifacts import ArtifactWriter
from tabular.copy_stream import copy_rows
from uploads.ingest.planning import PLAN, PROBLEMS
from uploads.ingest.session import Session
from uploads.ingest.target import Target

HEADINGS = ("record", "action", "key")


def write_results(session: Session, target: Target, writer: ArtifactWriter, *, check: Callable[[], None]) -> None:
    """Write `record`, `action` (insert, update, unchanged, failed) and the natural key of each record not blank."""
    session.require()
    statement = sql.SQL(
        "COPY (SELECT record, action, {key} FROM {plan} AS p"
        " UNION ALL SELECT DISTINCT record, 'failed', NULL FROM {problems} AS q"
        " WHERE NOT EXISTS (SELECT FROM {plan} AS p WHERE p.record = q.record)"
        " ORDER BY 1) TO STDOUT (FORMAT csv)"
    ).format(key=target.key_text, plan=PLAN, problems=PROBLEMS)
    connection = session.connection.connection
    writer.write((",".join(HEADINGS) + "\n").encode())
    text = statement.as_string(connection)
    for rows in session.paced(copy_rows(connection, text, check=check, chunk_bytes=session.chunk_bytes)):
        writer.write(rows.data)
        writer.row_count += rows.count
