"""What became of each row: an artifact of the undo's job."""

from __future__ import annotations

from collections.abc import Callable

from psycopg import sql

from jobs.files.artifacts import ArtifactWriter
from tabular.copy_stream import copy_rows
from uploads.undo.planning import REVERSAL, Undone

HEADINGS = ("record", "key", "action", "reason", "detail")


def write_reversal(undone: Undone, writer: ArtifactWriter, *, check: Callable[[], None]) -> None:
    """Write for each row its record in the undone upload, its key, `restored`, `deleted` or `kept`, and why it is kept.

    The key is the primary key for types without a natural key.
    """
    undone.session.require()
    statement = sql.SQL(
        "COPY (SELECT record, coalesce(key, target::text), CASE WHEN reason IS NULL THEN action ELSE 'kept' END,"
        " reason, detail FROM {} ORDER BY record) TO STDOUT (FORMAT csv)"
    ).format(REVERSAL)
    connection = undone.session.connection.connection
    writer.write((",".join(HEADINGS) + "\n").encode())
    for rows in copy_rows(connection, statement.as_string(connection), check=check):
        writer.write(rows.data)
        writer.row_count += rows.count
