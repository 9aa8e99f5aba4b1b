"""The texts of a job's page that name the kind. Whole sentences, because a noun in the middle cannot be translated."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class KindTexts(NamedTuple):
    """The defaults fit every kind. A kind may name itself, as `reports.pages.texts` does."""

    all: _StrOrPromise = _("All of them")
    again: _StrOrPromise = _("Order again")
    cancel: _StrOrPromise = _("Cancel")
    delete: _StrOrPromise = _("Delete…")
    deletes_order: _StrOrPromise = _("This permanently deletes the order.")
    deletes_file: _StrOrPromise = _("This permanently deletes the order and its file.")
    not_canceled: _StrOrPromise = _("It had already ended. Nothing was deleted.")
    not_deleted: _StrOrPromise = _("It has been started again. Cancel it first.")
