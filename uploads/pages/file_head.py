"""What a file seems to be, as the form shows it before the file is sent, and how its headings are matched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from tabular.decoding import EncodingSource
from tabular.headings import KnownHeadings, normalize
from uploads.headings import Headings
from uploads.pages.options import delimiter_label, encoding_label
from uploads.recognizing import FileColumn, FileHead
from uploads.types import UploadType

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: How the encoding was found. Only the beginning of the file is known.
_SOURCES: Final[Mapping[EncodingSource, _StrOrPromise]] = {
    "declared": _("Chosen by you"),
    "bom": _("Named by the byte order mark of the file"),
    "utf-8": _("The beginning of the file is valid UTF-8"),
    "detected": _("Found out by the text of the file"),
}


@dataclass(frozen=True)
class ShownMatch:
    """A column of the file. `is_remembered`: it is taken for what its user took it for before."""

    column: FileColumn
    is_remembered: bool


@dataclass(frozen=True)
class ShownHead:
    """The beginning of a file in words. `headings` is what the order says about them, as JSON; empty: nothing."""

    head: FileHead
    encoding: _StrOrPromise
    encoding_source: _StrOrPromise
    delimiter: _StrOrPromise
    matches: Sequence[ShownMatch]
    #: The columns of the type.
    columns: Sequence[str]
    headings: str

    @property
    def chosen(self) -> dict[str, str | None]:
        """The same as an order has it."""
        chosen: dict[str, str | None] = json.loads(self.headings or "{}")
        return chosen


def show_head(head: FileHead, upload_type: UploadType, remembered: Headings) -> ShownHead:
    """`remembered` are the headings of the user's earlier files, as `normalize` makes them."""
    known = KnownHeadings(upload_type.known_headings())
    headings = dict(_chosen(head, known, remembered))
    return ShownHead(
        head,
        encoding_label(head.encoding),
        _SOURCES[head.encoding_source],
        delimiter_label(head.delimiter),
        [ShownMatch(column, _is_remembered(column, remembered)) for column in head.columns],
        list(dict.fromkeys(map(known.name, known.known))),
        json.dumps(headings, ensure_ascii=False, separators=(",", ":")) if headings else "",
    )


def _is_remembered(column: FileColumn, remembered: Headings) -> bool:
    name = normalize(column.name)
    return name in remembered and (remembered[name] or "") == column.column


def _chosen(head: FileHead, known: KnownHeadings, remembered: Headings) -> Iterator[tuple[str, str | None]]:
    """The matches that the type does not find by itself, and those that replace what is remembered."""
    for column in head.columns:
        own = [known.name(key) for key in known.keys(column.name)[:1]]
        by_itself = own[0] if own else ""
        is_replaced = normalize(column.name) in remembered and not _is_remembered(column, remembered)
        if column.name and (column.column != by_itself or is_replaced):
            yield column.name, column.column or None
