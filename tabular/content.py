"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from tabular.refusals import RecognitionError
from tabular.sentences import Sentence, gettext_noop, joined

_UNPACK: Final = Sentence(gettext_noop("Unpack it, and upload the CSV file in it."))
_EXPORT: Final = Sentence(gettext_noop("Export the table as a CSV file, and upload that file."))
_UPLOAD: Final = Sentence(gettext_noop("Upload a CSV file."))
_EXCEL: Final = Sentence(gettext_noop("In Excel, save it as CSV UTF-8 (Comma delimited), and upload that file."))
_HEADER: Final = gettext_noop("Or send it with the header Content-Encoding: %(coding)s.")
#: What the first bytes look like, what it is, and what to do. The first match counts.
_SIGNATURES: Final = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), what, cure)
    for pattern, what, cure in (
        (
            rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet",
            gettext_noop("an OpenDocument spreadsheet (.ods)"),
            Sentence(
                gettext_noop("In LibreOffice, save it as Text CSV with the character set UTF-8, and upload that file.")
            ),
        ),
        (
            rb"PK\x03\x04(?=.{0,4000}(?:\[Content_Types\]\.xml|xl/|_rels/\.rels))(?!.{0,4000}(?:word|ppt)/)",
            gettext_noop("an Excel workbook (.xlsx)"),
            _EXCEL,
        ),
        (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", gettext_noop("a ZIP archive"), _UNPACK),
        (
            rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            gettext_noop("an Excel 97-2003 workbook (.xls)"),
            _EXCEL,
        ),
        (rb"%PDF-", gettext_noop("a PDF document"), _EXPORT),
        (rb"\x1f\x8b", gettext_noop("a gzip file"), joined(_UNPACK, Sentence(_HEADER, coding="gzip"))),
        (
            rb"\x28\xb5\x2f\xfd",
            gettext_noop("a Zstandard file"),
            joined(_UNPACK, Sentence(_HEADER, coding="zstd")),
        ),
        (rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)", gettext_noop("a bzip2 file"), _UNPACK),
        (rb"\xfd7zXZ\x00", gettext_noop("an xz file"), _UNPACK),
        (rb"7z\xbc\xaf\x27\x1c", gettext_noop("a 7-Zip archive"), _UNPACK),
        (rb"Rar!\x1a\x07", gettext_noop("a RAR archive"), _UNPACK),
        (rb"(?=[^\x00]{1,100}\x00).{257}ustar", gettext_noop("a tar archive"), _UNPACK),
        (rb"\x89PNG\r\n\x1a\n", gettext_noop("a PNG image"), _UPLOAD),
        (rb"\xff\xd8\xff", gettext_noop("a JPEG image"), _UPLOAD),
        (rb"GIF8[79]a", gettext_noop("a GIF image"), _UPLOAD),
        (rb"SQLite format 3\x00", gettext_noop("an SQLite database"), _EXPORT),
        (rb"PAR1[\x00-\x1f]", gettext_noop("a Parquet file"), _EXPORT),
        (rb"ARROW1\x00", gettext_noop("an Arrow file"), _EXPORT),
        (rb"Obj\x01", gettext_noop("an Avro file"), _EXPORT),
        (rb"PGDMP[\x00-\x1f]", gettext_noop("a dump of a PostgreSQL database"), _EXPORT),
        (rb"\{\\rtf", gettext_noop("an RTF document"), _EXPORT),
        (
            rb"<(?:!doctype\s+html|html|head|body|table|meta|script)\b",
            gettext_noop("an HTML page"),
            Sentence(
                gettext_noop(
                    "It may be the error page of a program: open it in a browser, and export the table again as a CSV "
                    "file."
                )
            ),
        ),
        (rb"<\?xml|<!--|<[a-z][\w:.-]*(?:\s[^<>,;]*)?>\s*(?:[<\r\n]|\Z)", gettext_noop("an XML file"), _EXPORT),
        (rb"[{\[]\s*(?:[\"\]}{\[]|-?\d[\d.]*\s*,|(?:true|false|null)\b)", gettext_noop("a JSON file"), _EXPORT),
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
                text = gettext_noop("This is %(what)s, not a CSV file. %(cure)s")
                raise RecognitionError("not-csv", Sentence(text, what=Sentence(what), cure=cure))


def check_not_empty(blocks: Iterable[bytes]) -> None:
    """Raise RecognitionError `empty-file` if there is no byte, or only blanks and line breaks."""
    size = 0
    for block in blocks:
        size += len(block)
        if block.strip(_BLANK):
            return
    if size:
        text = gettext_noop("The file has only blanks and line breaks. Upload a file with rows.")
    else:
        text = gettext_noop("The file is empty: it has no byte. Upload a file with rows.")
    raise RecognitionError("empty-file", Sentence(text))
