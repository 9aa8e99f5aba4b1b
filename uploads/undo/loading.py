"""Copy the images of an upload into the temporary tables `updated` and `inserted`, typed as the table's columns.

updated   record, key, target (primary key), o0, o1, … (old values), n0, n1, … (new values)
inserted  record, key, target, n0, n1, …
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from django.db import DataError, ProgrammingError
from django.utils.translation import gettext_noop as _
from psycopg import sql

from jobs.errors import ArtifactDamagedError, PermanentError
from jobs.models import Artifact
from uploads.ingest.images import GZIP, ImageFormat
from uploads.ingest.session import Session
from uploads.ingest.source import blocks_of

UPDATED: Final = sql.Identifier("pg_temp", "updated")
INSERTED: Final = sql.Identifier("pg_temp", "inserted")
#: Bytes that are decompressed at a time.
PIECE_BYTES: Final = 1024 * 1024


class TableChangedError(PermanentError):
    """The columns are no longer those of the images."""

    def __init__(self) -> None:
        message = _("The columns of the table were changed since the upload, so it can no longer be undone.")
        super().__init__(message, code="table-changed")


def load_images(
    session: Session,
    artifact: Artifact,
    *,
    table: sql.Identifier,
    pk: sql.Identifier,
    check: Callable[[], None],
) -> ImageFormat:
    """Fill both tables.

    Raises PermanentError if the images are lost or the table has changed; ArtifactDamagedError.
    """
    members = Members(blocks_of(artifact, check=check), artifact)
    try:
        format_ = ImageFormat.from_bytes(b"".join(members.next()))
    except (ValueError, TypeError, KeyError) as error:
        raise ArtifactDamagedError(f"{artifact.storage_name}: {error}") from error
    if sql.Identifier(format_.table) != table:
        raise TableChangedError
    olds = [sql.Identifier("t", column) for column, _ in format_.updated]
    news = [sql.Identifier("t", column) for column, _ in format_.inserted]
    try:
        loaded = _load(session, UPDATED, members.next(), table=table, pk=pk, old=olds, new=olds)
        loaded += _load(session, INSERTED, members.next(), table=table, pk=pk, old=[], new=news)
    except (DataError, ProgrammingError) as error:
        raise TableChangedError from error
    members.require_end()
    if loaded != artifact.row_count:
        raise ArtifactDamagedError(f"{artifact.storage_name} has {loaded} of {artifact.row_count} rows")
    return format_


def _load(
    session: Session,
    images: sql.Identifier,
    data: Iterable[bytes],
    *,
    table: sql.Identifier,
    pk: sql.Identifier,
    old: list[sql.Identifier],
    new: list[sql.Identifier],
) -> int:
    named = {f"o{number}": column for number, column in enumerate(old)}
    named |= {f"n{number}": column for number, column in enumerate(new)}
    columns = [sql.SQL("{} AS {}").format(column, sql.Identifier(name)) for name, column in named.items()]
    session.run(sql.SQL("DROP TABLE IF EXISTS {}").format(images))
    session.run(
        sql.SQL("CREATE TEMP TABLE {images} AS SELECT {columns} FROM {table} AS t WITH NO DATA").format(
            images=images,
            columns=sql.SQL(", ").join(
                [sql.SQL("NULL::bigint AS record, NULL::text AS key, t.{} AS target").format(pk), *columns]
            ),
            table=table,
        )
    )
    session.require()
    with session.connection.cursor() as cursor:
        with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(images)) as copy:
            for piece in data:
                copy.write(piece)
        loaded = int(cursor.rowcount)
    session.run(sql.SQL("ANALYZE {} (target)").format(images))  # autovacuum does not see temporary tables
    return loaded


class Members:
    """The gzip members of the file, each decompressed piece by piece. Raises ArtifactDamagedError."""

    def __init__(self, blocks: Iterator[bytes], artifact: Artifact) -> None:
        self._blocks = blocks
        self._artifact = artifact
        self._digest = hashlib.sha256()
        self._rest = b""

    def next(self) -> Iterator[bytes]:
        """The next member, to its end."""
        decompressor = zlib.decompressobj(GZIP)
        try:
            while not decompressor.eof:
                data = decompressor.unconsumed_tail or self._rest or self._read()
                self._rest = b""
                yield decompressor.decompress(data, PIECE_BYTES)
        except zlib.error as error:
            raise ArtifactDamagedError(f"{self._artifact.storage_name}: {error}") from error
        self._rest = decompressor.unused_data

    def require_end(self) -> None:
        """All bytes were read, and they are those that were written."""
        if self._rest or next(self._blocks, b"") or self._digest.hexdigest() != self._artifact.sha256:
            raise ArtifactDamagedError(f"{self._artifact.storage_name} is not what was written")

    def _read(self) -> bytes:
        block = next(self._blocks, b"")
        if not block:
            raise ArtifactDamagedError(f"{self._artifact.storage_name} ends within a member")
        self._digest.update(block)
        return block
