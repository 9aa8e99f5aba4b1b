"""The first rows of a finished report, from the first bytes of its file."""

from __future__ import annotations

import codecs
import csv
import io
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Final

from jobs.files.damage import open_download
from jobs.models import Artifact
from tabular.dialect import Dialect

#: How much text is read for a table, and for a chart. Rows beyond that are left out, so a large cell does no harm.
BYTES_OF_TABLE: Final = 256 * 1024
BYTES_OF_CHART: Final = 2 * 1024 * 1024

#: zlib finds the header of gzip by itself.
_GZIP: Final = zlib.MAX_WBITS | 32

# A single cell may be as large as all that is read. The limit is one per process, so it is only ever raised.
csv.field_size_limit(max(csv.field_size_limit(), BYTES_OF_CHART))


class DamagedContentError(Exception):
    """The file has its size, but its bytes are not what was written."""


@dataclass(frozen=True)
class StoredRows:
    """Headings and rows of equal length. `is_cut`: the next row is too long, or lies beyond what is read."""

    headings: list[str]
    rows: list[list[str]]
    is_cut: bool


def read_rows(artifact: Artifact, dialect: Dialect, *, most_rows: int, most_bytes: int) -> StoredRows:
    """The first rows of a published file. Memory holds twice `most_bytes`, whatever the file contains.

    Raises ArtifactError if the storage has lost the file or a part of it, StorageUnavailableError, and
    DamagedContentError.
    """
    text, has_ended = _first_text(artifact, dialect, most_bytes)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter)
    # Python's reader makes no cells of an empty line, which is the NULL of a single column.
    records = [record or [""] for record in islice(reader, most_rows + 2)]
    is_whole = has_ended or len(records) > most_rows + 1
    if not is_whole and records:
        records.pop()  # it may go on after the end of the text
    width = max(map(len, records), default=0)
    padded = [[*record, *[""] * (width - len(record))] for record in records]
    return StoredRows(padded[0] if padded else [], padded[1 : most_rows + 1], is_cut=not is_whole)


def _first_text(artifact: Artifact, dialect: Dialect, most_bytes: int) -> tuple[str, bool]:
    """The text of the first bytes, and whether that is all of it."""
    if artifact.size_bytes == 0:
        return "", True
    content = bytearray()
    last = min(artifact.size_bytes, most_bytes) - 1
    with closing(open_download(artifact, first=0, last=last)) as blocks:
        pieces = _unpacked(blocks, most_bytes) if dialect.compression == "gzip" else blocks
        for piece in pieces:
            content += piece
            if len(content) >= most_bytes:
                break
    has_ended = last == artifact.size_bytes - 1 and len(content) < most_bytes
    decoder = codecs.getincrementaldecoder(dialect.encoding)("replace")
    return decoder.decode(bytes(content[:most_bytes]), final=has_ended), has_ended


def _unpacked(blocks: Iterator[bytes], most_bytes: int) -> Iterator[bytes]:
    """At most `most_bytes` at a time: a small file can unpack to a huge one."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        for block in blocks:
            yield unpacker.decompress(block, most_bytes)
    except zlib.error as error:
        raise DamagedContentError(str(error)) from None
