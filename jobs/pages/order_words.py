"""What the pages say about ordering each kind: whole sentences, because a noun put into one does not translate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True)
class OrderWords:
    """The sentences about one kind."""

    order: _StrOrPromise
    all_types: _StrOrPromise
    search: _StrOrPromise
    none_allowed: _StrOrPromise
    none_found: _StrOrPromise
    refused: _StrOrPromise
    equal: _StrOrPromise
    equal_hint: _StrOrPromise


OF_KIND: Final = {
    "report": OrderWords(
        order=_("Order a report"),
        all_types=_("All report types"),
        search=_("Search report types"),
        none_allowed=_("Your account cannot order any reports. Ask an administrator for permission."),
        none_found=_("No report type matches this search."),
        refused=_("The report was not ordered"),
        equal=_("You already have this report"),
        equal_hint=_("You ordered a report with the same parameters, columns and file format a short time ago."),
    )
}
#: For kinds that other apps add.
OF_OTHERS: Final = OrderWords(
    order=_("Order a job"),
    all_types=_("All types"),
    search=_("Search types"),
    none_allowed=_("Your account cannot order anything here. Ask an administrator for permission."),
    none_found=_("No type matches this search."),
    refused=_("Nothing was ordered"),
    equal=_("You already have an equal job"),
    equal_hint=_("You placed the same order a short time ago."),
)


def order_words_of(kind: str) -> OrderWords:
    """The sentences about a kind."""
    return OF_KIND.get(kind, OF_OTHERS)
