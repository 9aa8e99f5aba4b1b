"""The labels of the `csv` object of an order."""

from __future__ import annotations

from typing import Any

from jobs.api.dialect import DialectSerializer

#: Field → label and help text.
LABELS = {
    "encoding": ("Encoding", "Excel opens a file best as “UTF-8 with BOM”."),
    "delimiter": ("Delimiter", ""),
    "spreadsheetSafe": (
        "Safe for spreadsheets", "Puts an apostrophe before text that a spreadsheet would run as a formula."
    ),
    "compression": ("Compression", ""),
    "errors": ("Characters that the encoding lacks", ""),
}  # fmt: skip
#: Field → value → label. A value without a label is shown as it is.
CHOICES = {
    "encoding": {
        "utf-8": "UTF-8",
        "utf-8-sig": "UTF-8 with BOM (Excel)",
        "cp932": "Shift_JIS / CP932 (Excel in Japan)",
        "shift_jis": "Shift_JIS (JIS X 0208 characters only)",
        "euc_jp": "EUC-JP",
        "latin-1": "ISO 8859-1 (Western Europe)",
        "utf-16": "UTF-16 with BOM",
    },
    "delimiter": {",": "Comma ,", ";": "Semicolon ;", "\t": "Tab", "|": "Vertical bar |"},
    "compression": {"none": "None", "gzip": "gzip (.csv.gz)"},
    "errors": {"strict": "Stop and report the place", "replace": "Write a question mark"},
}


class FileFormat(DialectSerializer):
    """The API's own fields, with labels."""

    def get_fields(self) -> dict[str, Any]:
        """Fields by name. They are copies of this serializer, so they may be changed."""
        fields: dict[str, Any] = super().get_fields()
        for name, (label, help_text) in LABELS.items():
            fields[name].label, fields[name].help_text = label, help_text
        for name in CHOICES:
            fields[name].choices = [(value, in_words(name, value)) for value in fields[name].choices]
        return fields


def in_words(field: str, value: str) -> str:
    """The label of a choice."""
    return CHOICES[field].get(value, value)


def format_in_words(csv: dict[str, Any]) -> str:
    """One line about the `csv` object of a job's payload."""
    words = [in_words("encoding", csv["encoding"]), in_words("delimiter", csv["delimiter"]).split(" ")[0].lower()]
    if csv["compression"] != "none":
        words.append(csv["compression"])
    return ", ".join(words)
