"""The `csv` object of an order, in words for people."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from reports.dialect import COMPRESSIONS, DELIMITERS, ENCODINGS
from reports.ordering import DialectSerializer

ENCODING_LABELS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM (Excel)",
    "cp932": "Shift_JIS / CP932 (Excel in Japan)",
    "shift_jis": "Shift_JIS (JIS X 0208 characters only)",
    "euc_jp": "EUC-JP",
    "latin-1": "ISO 8859-1 (Western Europe)",
    "utf-16": "UTF-16 with BOM",
}
DELIMITER_LABELS = {",": "Comma ,", ";": "Semicolon ;", "\t": "Tab", "|": "Vertical bar |"}
COMPRESSION_LABELS = {"none": "None", "gzip": "gzip (.csv.gz)"}


class FileFormat(DialectSerializer):
    """The same fields as the API's, with labels. What has no label here shows under its own name."""

    encoding = serializers.ChoiceField(
        choices=[(name, ENCODING_LABELS.get(name, name)) for name in ENCODINGS],
        default="utf-8",
        label="Encoding",
        help_text="Excel opens a file best as “UTF-8 with BOM”.",
    )
    delimiter = serializers.ChoiceField(
        choices=[(name, DELIMITER_LABELS.get(name, name)) for name in DELIMITERS],
        default=",",
        label="Between columns",
    )
    spreadsheetSafe = serializers.BooleanField(
        default=True,
        label="Safe for spreadsheets",
        help_text="Puts an apostrophe before text that a spreadsheet would run as a formula.",
    )
    compression = serializers.ChoiceField(
        choices=[(name, COMPRESSION_LABELS.get(name, name)) for name in COMPRESSIONS],
        default="none",
        label="Compression",
    )
    errors = serializers.ChoiceField(
        choices=[("strict", "Stop and name the place"), ("replace", "Write a question mark")],
        default="strict",
        label="Characters that the encoding lacks",
    )


def format_in_words(csv: dict[str, Any]) -> str:
    """One line about the `csv` object of a job's payload."""
    encoding, delimiter, compression = csv.get("encoding", ""), csv.get("delimiter", ""), csv.get("compression")
    words = [ENCODING_LABELS.get(encoding, encoding), DELIMITER_LABELS.get(delimiter, delimiter).split(" ")[0].lower()]
    if compression not in (None, "none"):
        words.append(str(compression))
    return ", ".join(words)
