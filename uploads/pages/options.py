"""How a file is read, and what happens to bad rows: the choices of the forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from tabular.decoding import DECLARABLE
from tabular.dialect import DELIMITERS
from uploads.ordering import MODES

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: Names of encodings. Those that are missing here are shown as they are.
_ENCODINGS: Final[Mapping[str, _StrOrPromise]] = {
    "utf-8": "UTF-8",
    "utf-8-sig": _("UTF-8 with BOM (Excel)"),
    "utf-16": "UTF-16",
    "utf-32": "UTF-32",
    "cp932": _("Shift_JIS / CP932 (Excel in Japan)"),
    "shift_jis": "Shift_JIS",
    "euc_jp": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP",
    "cp1252": _("Windows-1252 (Western Europe)"),
    "latin-1": _("ISO 8859-1 (Western Europe)"),
    "iso8859-15": _("ISO 8859-15 (Western Europe)"),
    "cp1250": _("Windows-1250 (Central Europe)"),
    "cp1251": _("Windows-1251 (Cyrillic)"),
    "gb18030": _("GB 18030 (Chinese)"),
    "big5": _("Big5 (Chinese)"),
    "euc_kr": _("EUC-KR (Korean)"),
}
#: `encodingSource` of the status → how the encoding was found.
SOURCES: Final[Mapping[str, _StrOrPromise]] = {
    "declared": _("Chosen by you"),
    "bom": _("Named by the byte order mark of the file"),
    "utf-8": _("The whole file is valid UTF-8"),
    "detected": _("Found out by the text of the file"),
}
_DELIMITERS: Final[Mapping[str, _StrOrPromise]] = {
    ",": _("Comma ,"),
    ";": _("Semicolon ;"),
    "\t": _("Tab"),
    "|": _("Vertical bar |"),
}
_MODES: Final[Mapping[str, tuple[_StrOrPromise, _StrOrPromise]]] = {
    "atomic": (_("All rows or none"), _("If one row has an error, nothing is written.")),
    "partial": (_("Write the good rows"), _("Rows with errors are left out, and you can mend them afterwards.")),
}


class _Chosen(serializers.Serializer[Any]):
    """The fields of a form; empty: it is found out."""

    encoding = serializers.ChoiceField(DECLARABLE, allow_blank=True, default="")
    delimiter = serializers.ChoiceField(DELIMITERS, allow_blank=True, default="")
    mode = serializers.ChoiceField(MODES, default="atomic")


@dataclass(frozen=True)
class Choice:
    """One choice of a form."""

    value: str
    label: _StrOrPromise
    is_chosen: bool
    note: _StrOrPromise = ""


@dataclass(frozen=True)
class Options:
    """What was chosen. Empty: it is found out."""

    encoding: str = ""
    delimiter: str = ""
    mode: str = "atomic"

    @classmethod
    def entered(cls, posted: Mapping[str, Any]) -> Self:
        """Those that a form has sent. Raises DRF's ValidationError."""
        # A missing field counts as not chosen, so that forms without it work.
        chosen = _Chosen(data={name: posted[name] for name in ("encoding", "delimiter", "mode") if name in posted})
        chosen.is_valid(raise_exception=True)
        return cls(**chosen.validated_data)

    @classmethod
    def of_payload(cls, payload: Mapping[str, Any]) -> Self:
        """Those of an earlier order."""
        csv = payload["csv"]
        return cls(csv.get("encoding") or "", csv.get("delimiter") or "", payload["mode"])

    @property
    def csv(self) -> dict[str, str | None]:
        """The `csv` object of the order."""
        return {"encoding": self.encoding or None, "delimiter": self.delimiter or None}

    @property
    def are_declared(self) -> bool:
        """Whether anything about the reading is not left to be found out."""
        return bool(self.encoding or self.delimiter)

    def encodings(self) -> Iterator[Choice]:
        """The encodings without the choice to find it out."""
        for name in DECLARABLE:
            yield Choice(name, encoding_label(name), name == self.encoding)

    def delimiters(self) -> Iterator[Choice]:
        """The delimiters without the choice to find it out."""
        for name in DELIMITERS:
            yield Choice(name, delimiter_label(name), name == self.delimiter)

    def modes(self) -> Iterator[Choice]:
        """What happens to bad rows."""
        for name in MODES:
            label, note = _MODES[name]
            yield Choice(name, label, name == self.mode, note)


def encoding_label(name: str) -> _StrOrPromise:
    """An encoding in words."""
    return _ENCODINGS.get(name, name.upper())


def delimiter_label(name: str) -> _StrOrPromise:
    """A delimiter in words."""
    return _DELIMITERS.get(name, name)
