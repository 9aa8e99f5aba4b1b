"""What an upload is about to change, written before its merge: an artifact of the job, for its undo.

The file is three gzip members (RFC 1952), one after another. The first is a JSON object, `ImageFormat`. The second has
a row for each row that is updated, and the third for each row that is inserted, as text of COPY
(https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2):

    updated   record, key, primary key, the old values, the new values
    inserted  record, key, primary key, the new values

`key` is the natural key as text, NULL if that is the primary key or there is none. Moments are in ISO 8601.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from psycopg import sql

from jobs.files.artifacts import ArtifactWriter
from tabular.copy_stream import copy_rows
from tabular.rows import Rows
from uploads.ingest.defaults import lasting_defaults
from uploads.ingest.pieces import Value
from uploads.ingest.planning import PLAN
from uploads.ingest.reserving import planned_key
from uploads.ingest.session import Session
from uploads.ingest.target import NULL, Target, planned_column
from uploads.types import Counts

VERSION: Final = 1
#: Fast rather than small: the file is rarely read.
COMPRESSION_LEVEL: Final = 1
#: zlib's code for the format of gzip.
GZIP: Final = 31


@dataclass(frozen=True)
class ImageFormat:
    """What the columns of the file are. A column is its name in the table, and its heading for people.

    `constant` are columns that all inserted rows have in common: name, heading and the value as text or None.
    """

    table: str
    updated: Sequence[tuple[str, str]]
    inserted: Sequence[tuple[str, str]]
    constant: Sequence[tuple[str, str, str | None]]
    version: int = VERSION

    def to_bytes(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises ValueError or TypeError for a file of another version."""
        read: dict[str, Any] = json.loads(data)
        if read["version"] != VERSION:
            raise ValueError(f"the images have version {read['version']}, not {VERSION}")
        return cls(**read)


def write_images(
    session: Session, target: Target, counts: Counts, writer: ArtifactWriter, *, check: Callable[[], None]
) -> None:
    """Write the images of all planned rows, which are `counts`. If rows change before the merge, the merge notices."""
    session.require()
    format_ = image_format(session, target)
    _write_member(writer, [format_.to_bytes()])
    connection = session.connection.connection
    for number, rows_of in ((counts.updated, _updated), (counts.inserted, _inserted)):
        chunks: Iterable[Rows] = ()
        if number:
            statement = sql.SQL("COPY ({}) TO STDOUT").format(rows_of(session, target))
            text = statement.as_string(connection)
            chunks = session.paced(copy_rows(connection, text, check=check, chunk_bytes=session.chunk_bytes))
        _write_member(writer, (rows.data for rows in chunks))
    writer.row_count = counts.updated + counts.inserted


def image_format(session: Session, target: Target) -> ImageFormat:
    """The columns of this upload's images."""
    defaults = {
        name: value
        for name, value in lasting_defaults(session.connection, target.upload_type, target.fixed).items()
        if name not in target.values
    }
    texts: Sequence[Any] = ()
    if defaults:
        columns = sql.SQL(", ").join(sql.SQL("({})::text").format(value) for value in defaults.values())
        [texts] = session.fetch_all(sql.SQL("SELECT {}").format(columns))
    return ImageFormat(
        table=str(target.upload_type.model._meta.db_table),
        updated=[(value.column, _heading(target, value.field)) for value in target.changing],
        inserted=[(value.column, _heading(target, value.field)) for value in _compared(target)],
        constant=[
            (target.column_name(name), _heading(target, name), text) for name, text in zip(defaults, texts, strict=True)
        ],
    )


def _compared(target: Target) -> list[Value]:
    return [value for value in target.row.values if value.field != target.pk_field]


def _heading(target: Target, name: str) -> str:
    column = target.upload_type.columns.get(name)
    return column.heading if column else name


def _key(target: Target) -> sql.Composable:
    """The natural key, unless it is the primary key."""
    return NULL if tuple(target.key) == (target.pk_field,) else target.key_text


def _updated(session: Session, target: Target) -> sql.Composable:
    columns = [sql.SQL("p.record"), _key(target), sql.SQL("p.target")]
    columns += [sql.Identifier("t", value.column) for value in target.changing]
    columns += [sql.Identifier("p", planned_column(value)) for value in target.changing]
    return sql.SQL("SELECT {columns} FROM {plan} AS p JOIN {table} AS t ON t.{pk} = p.target WHERE {update}").format(
        columns=sql.SQL(", ").join(columns),
        plan=PLAN,
        table=target.table,
        pk=target.pk,
        update=sql.SQL("p.action = 'update'"),
    )


def _inserted(session: Session, target: Target) -> sql.Composable:
    key, join = planned_key(session, target)
    columns = [sql.SQL("p.record"), _key(target), key]
    columns += [sql.Identifier("p", planned_column(value)) for value in _compared(target)]
    return sql.SQL("SELECT {columns} FROM {plan} AS p {join} WHERE p.action = 'insert'").format(
        columns=sql.SQL(", ").join(columns), plan=PLAN, join=join
    )


def _write_member(writer: ArtifactWriter, blocks: Iterable[bytes]) -> None:
    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, GZIP)
    for block in blocks:
        if compressed := compressor.compress(block):
            writer.write(compressed)
    writer.write(compressor.flush())
