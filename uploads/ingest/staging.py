"""Copy the records of a file into the temporary table `staging`, as they are: all columns as text.

A record that is not valid CSV becomes a marker row, so that the numbers of records stay exact: its first cell is
the attempt's token and a code. The token is random, so no file can contain it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from psycopg import sql

from tabular.parts import count_line_ends
from tabular.scanner import Blank, Invalid, Part, Run, Scan
from uploads.errors import FileError
from uploads.ingest.session import Session
from uploads.row_codes import message_for

STAGING: Final = sql.Identifier("pg_temp", "staging")
#: The code of the marker row of an empty line.
BLANK: Final = "blank"
#: Between the codes of a record with several mistakes; no delimiter of a file.
CODES_JOINED_BY: Final = "+"


@dataclass
class Staged:
    """What was read and staged. `token` begins the first cell of marker rows."""

    width: int
    token: str = field(default_factory=lambda: f"longhaul-{secrets.token_hex(16)}:")
    records: int = 0
    bytes: int = 0
    invalid: int = 0
    blank: int = 0
    #: Whether each record is one line.
    one_line_each: bool = True
    #: Whether the file mixes line ends outside of quotation marks.
    mixes_line_ends: bool = False

    @property
    def cells(self) -> list[str]:
        """The names of the columns of `staging`, in the order of the file."""
        return [f"c{index}" for index in range(self.width)]


def stage(
    session: Session,
    scan: Scan,
    *,
    width: int,
    delimiter: str,
    max_rows: int,
    on_progress: Callable[[Staged], None],
) -> Staged:
    """Create `staging` and copy the parts of the file into it. Raises FileError if there are too many records."""
    staged = Staged(width)
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in staged.cells)
    declared = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in staged.cells)
    session.run(sql.SQL("DROP TABLE IF EXISTS {}").format(STAGING))
    session.run(
        sql.SQL("CREATE TEMP TABLE staging (record bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000), {})").format(
            declared
        )
    )
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, ENCODING 'UTF8', DELIMITER {})").format(
        STAGING, columns, sql.Literal(delimiter)
    )
    session.require()
    with session.connection.cursor() as cursor, cursor.copy(statement) as copy:
        for part in scan:
            before = staged.records
            copy.write(_lines(part, staged, delimiter, scan.line_end))
            staged.bytes += len(part.raw)
            if staged.records > max_rows:
                raise FileError("too-many-rows", message_for("too-many-rows", limit=f"{max_rows:,}"))
            on_progress(staged)
            session.pace(staged.records - before)
    staged.mixes_line_ends = len(scan.line_ends) > 1
    return staged


def _lines(part: Part, staged: Staged, delimiter: str, line_end: bytes) -> bytes:
    match part:
        case Run():
            staged.records += part.records
            staged.one_line_each &= count_line_ends(part.data) == part.records
            return part.data
        case Invalid():
            staged.invalid += 1
            staged.one_line_each &= part.line == part.end_line
            code = CODES_JOINED_BY.join((part.code, *part.also))
        case Blank():
            staged.blank += 1
            code = BLANK
    staged.records += 1
    return f"{staged.token}{code}{delimiter * (staged.width - 1)}".encode() + line_end
