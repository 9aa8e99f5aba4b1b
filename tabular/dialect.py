"""How a CSV file is written: encoding, delimiter, spreadsheet safety, compression."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from tabular.spreadsheets import defuse

#: The encodings that an order may choose; each is the name of a Python codec.
ENCODINGS = ("utf-8", "utf-8-sig", "cp932", "shift_jis", "euc_jp", "latin-1", "utf-16")
DELIMITERS = (",", ";", "\t", "|")
COMPRESSIONS = ("none", "gzip")
ERRORS = ("strict", "replace")


@dataclass(frozen=True)
class Dialect:
    """The `csv` object of an order, with its defaults."""

    encoding: str = "utf-8"
    delimiter: str = ","
    spreadsheetSafe: bool = True
    compression: str = "none"
    errors: str = "strict"

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Dialect:
        """The dialect stored in a job's payload."""
        return cls(**payload)

    def to_payload(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @property
    def extension(self) -> str:
        """The extension of the file, with its dot."""
        return ".csv.gz" if self.compression == "gzip" else ".csv"

    @property
    def content_type(self) -> str:
        """The media type, after RFC 7111 and RFC 6713."""
        if self.compression == "gzip":
            return "application/gzip"
        charset = {"utf-8-sig": "utf-8", "cp932": "windows-31j", "latin-1": "iso-8859-1", "euc_jp": "euc-jp"}
        return f"text/csv; charset={charset.get(self.encoding, self.encoding)}; header=present"

    def heading_line(self, headings: Iterable[str]) -> bytes:
        """The first line of the file in UTF-8, quoted as PostgreSQL quotes its lines."""
        line = io.StringIO()
        cells = (defuse(heading, self.encoding) if self.spreadsheetSafe else heading for heading in headings)
        csv.writer(line, delimiter=self.delimiter, lineterminator="\n").writerow(cells)
        return line.getvalue().encode()
