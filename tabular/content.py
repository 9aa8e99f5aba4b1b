"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from tabular.refusals import RecognitionError

_UNPACK: Final = "Unpack it, and upload the CSV file in it."
_EXPORT: Final = "Export the table as a CSV file, and upload that file."
#: What the first bytes look like, what it is, and what to do. The first match counts.
_SIGNATURES: Final = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), what, cure)
    for pattern, what, cure in (
        (
            rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet",
            "an OpenDocument spreadsheet (.ods)",
            "In LibreOffice, save it as Text CSV with the character set UTF-8, and upload that file.",
        ),
        (
            rb"PK\x03\x04(?=.{0,4000}(?:\[Content_Types\]\.xml|xl/|_rels/\.rels))(?!.{0,4000}(?:word|ppt)/)",
            "an Excel workbook (.xlsx)",
            "In Excel, save it as CSV UTF-8 (Comma delimited), and upload that file.",
        ),
        (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", "a ZIP archive", _UNPACK),
        (
            rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "an Excel 97-2003 workbook (.xls)",
            "In Excel, save it as CSV UTF-8 (Comma delimited), and upload that file.",
        ),
        (rb"%PDF-", "a PDF document", _EXPORT),
        (rb"\x1f\x8b", "a gzip file", f"{_UNPACK} Or send it with the header Content-Encoding: gzip."),
        (
            rb"\x28\xb5\x2f\xfd",
            "a Zstandard file",
            f"{_UNPACK} Or send it with the header Content-Encoding: zstd.",
        ),
        (rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)", "a bzip2 file", _UNPACK),
        (rb"\xfd7zXZ\x00", "an xz file", _UNPACK),
        (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
        (rb"Rar!\x1a\x07", "a RAR archive", _UNPACK),
        (rb"(?=[^\x00]{1,100}\x00).{257}ustar", "a tar archive", _UNPACK),
        (rb"\x89PNG\r\n\x1a\n", "a PNG image", "Upload a CSV file."),
        (rb"\xff\xd8\xff", "a JPEG image", "Upload a CSV file."),
        (rb"GIF8[79]a", "a GIF image", "Upload a CSV file."),
        (rb"SQLite format 3\x00", "an SQLite database", _EXPORT),
        (rb"PAR1[\x00-\x1f]", "a Parquet file", _EXPORT),
        (rb"ARROW1\x00", "an Arrow file", _EXPORT),
        (rb"Obj\x01", "an Avro file", _EXPORT),
        (rb"PGDMP[\x00-\x1f]", "a dump of a PostgreSQL database", _EXPORT),
        (rb"\{\\rtf", "an RTF document", _EXPORT),
        (
            rb"<(?:!doctype\s+html|html|head|body|table|meta|script)\b",
            "an HTML page",
            "It may be the error page of a program: open it in a browser, and export the table again as a CSV file.",
        ),
        (rb"<\?xml|<!--|<[a-z][\w:.-]*(?:\s[^<>,;]*)?>\s*(?:[<\r\n]|\Z)", "an XML file", _EXPORT),
        (rb"[{\[]\s*(?:[\"\]}{\[]|-?\d[\d.]*\s*,|(?:true|false|null)\b)", "a JSON file", _EXPORT),
    )
)
#: Bytes of blanks, line breaks and byte order marks in any of the encodings.
_BLANK: Final = b" \t\v\f\r\n\x00\xef\xbb\xbf\xfe\xff"
_BEFORE_MARKUP: Final = b"\xef\xbb\xbf \t\r\n"


def check_content(head: bytes) -> None:
    """Raise RecognitionError `not-csv` if the file that begins with `head` is of another kind than text."""
    for start in (head[:8192], head[:8192].lstrip(_BEFORE_MARKUP)):
        for pattern, what, cure in _SIGNATURES:
            if pattern.match(start):
                raise RecognitionError("not-csv", f"This is {what}, not a CSV file. {cure}")


def check_not_empty(blocks: Iterable[bytes]) -> None:
    """Raise RecognitionError `empty-file` if there is no byte, or only blanks and line breaks."""
    size = 0
    for block in blocks:
        size += len(block)
        if block.strip(_BLANK):
            return
    if size:
        raise RecognitionError("empty-file", "The file has only blanks and line breaks. Upload a file with rows.")
    raise RecognitionError("empty-file", "The file is empty: it has no byte. Upload a file with rows.")
