"""The `csv` object of an order as people choose it: one of some presets, or each part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from jobs.api.dialect import DialectSerializer
from jobs.joining import join_words
from tabular.dialect import Dialect

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: Field → label and help text.
LABELS: Final = {
    "encoding": (_("Encoding"), ""),
    "delimiter": (_("Delimiter"), ""),
    "spreadsheetSafe": (
        _("Safe for spreadsheets"), _("Puts an apostrophe before text that a spreadsheet would run as a formula.")
    ),
    "compression": (_("Compression"), ""),
    "errors": (_("Characters that the encoding lacks"), ""),
}  # fmt: skip
#: Field → value → label. A value without a label is shown as it is.
CHOICES: Final[dict[str, dict[str, _StrOrPromise]]] = {
    "encoding": {
        "utf-8": "UTF-8",
        "utf-8-sig": _("UTF-8 with BOM (Excel)"),
        "cp932": _("Shift_JIS / CP932 (Excel in Japan)"),
        "shift_jis": _("Shift_JIS (JIS X 0208 characters only)"),
        "euc_jp": "EUC-JP",
        "latin-1": _("ISO 8859-1 (Western Europe)"),
        "utf-16": _("UTF-16 with BOM"),
    },
    "delimiter": {",": _("Comma ,"), ";": _("Semicolon ;"), "\t": _("Tab"), "|": _("Vertical bar |")},
    "compression": {"none": _("None"), "gzip": "gzip (.csv.gz)"},
    "errors": {"strict": _("Stop and report the place"), "replace": _("Write a question mark")},
}

#: Name → what it stands for.
PRESETS: Final = {
    "utf-8": Dialect(),
    "excel": Dialect(encoding="utf-8-sig"),
    "excel-ja": Dialect(encoding="cp932", errors="replace"),
}
CUSTOM: Final = "custom"
PRESET_LABELS: Final = {
    "utf-8": _("UTF-8"),
    "excel": _("Excel (English)"),
    "excel-ja": _("Excel (Japanese)"),
    CUSTOM: _("Custom"),
}
PRESET_HINTS: Final = {
    "utf-8": _("For programs, databases and LibreOffice."),
    "excel": _("UTF-8 with BOM, commas."),
    "excel-ja": _("Shift_JIS (CP932), commas. Characters that it lacks become question marks."),
    CUSTOM: _("Choose the encoding and all else yourself."),
}


class FileFormat(DialectSerializer):
    """The API's own fields, with labels. They count if no preset is chosen, or `custom`."""

    preset = serializers.ChoiceField(
        choices=list(PRESET_LABELS.items()), required=False, initial="utf-8", label=_("File")
    )

    def get_fields(self) -> dict[str, Any]:
        """Fields by name. They are copies of this serializer, so they may be changed."""
        fields: dict[str, Any] = super().get_fields()
        fields["preset"].style = {"base_template": "presets.html", "hints": PRESET_HINTS, "custom": CUSTOM}
        for name, (label, help_text) in LABELS.items():
            fields[name].label, fields[name].help_text = label, help_text
        for name in CHOICES:
            fields[name].choices = [(value, in_words(name, value)) for value in fields[name].choices]
        return {"preset": fields.pop("preset"), **fields}

    def to_internal_value(self, data: Any) -> Any:
        """The members of a dialect, and `preset`. With a preset, the other fields are not even looked at."""
        preset = data.get("preset") if isinstance(data, Mapping) else None
        if preset in PRESETS:
            return {**PRESETS[preset].to_payload(), "preset": preset}
        chosen = super().to_internal_value(data)
        return {**chosen, "preset": preset or preset_of(chosen)}


def preset_of(csv: Mapping[str, Any]) -> str:
    """The name of the preset that means this `csv` object, or `custom`."""
    return next((name for name, dialect in PRESETS.items() if dialect.to_payload() == csv), CUSTOM)


def in_words(field: str, value: str) -> str:
    """The label of a choice."""
    return str(CHOICES[field].get(value, value))


def format_in_words(csv: dict[str, Any]) -> str:
    """One line about the `csv` object of a job's payload."""
    words = [in_words("encoding", csv["encoding"]), in_words("delimiter", csv["delimiter"]).split(" ")[0].lower()]
    if csv["compression"] != "none":
        words.append(csv["compression"])
    return join_words(words)
