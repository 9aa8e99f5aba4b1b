"""Saved orders of one kind: save, open, order, rename, delete. Thin views."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.models import SavedOrder
from jobs.pages.order_form import OrderForm
from jobs.pages.order_pages import OrderPages
from jobs.pages.signed_in import SignedInRequest
from jobs.types.base import JobType
from jobs.types.saved_orders import (
    MOST_SAVED,
    NameTakenError,
    TooManySavedError,
    rename_saved_order,
    save_order,
    saved_orders,
)

#: Digits.
LONGEST_ID = 19
LONGEST_NAME = SavedOrder._meta.get_field("name").max_length


class SavedOrderPages(OrderPages):
    """The order form that can be saved, and what is done with the saved ones."""

    def take(self, request: SignedInRequest, job_type: JobType, form: OrderForm) -> HttpResponse:
        """Save the form under a name, or what the other buttons do."""
        if "save" not in request.POST or not self.can_order_again:
            return super().take(request, job_type, form)
        name = " ".join(request.POST.get("save_name", "").split())
        if refusal := _refusal_of(name):
            return self._not_saved(request, job_type, form, refusal)
        try:
            save_order(
                request.user, job_type, _to_save(form), kind=self.resource.kind, name=name, replaced=_opened(request)
            )
        except NameTakenError:
            refusal = _("You already have a saved order of this name. Choose another name.")
            return self._not_saved(request, job_type, form, refusal)
        except TooManySavedError:
            refusal = _("You have %(most)d saved orders, which is the maximum. Delete one first.")
            return self._not_saved(request, job_type, form, refusal % {"most": MOST_SAVED})
        messages.success(request, _("Saved as “%(name)s”. You can order it with one click.") % {"name": name})
        return _see(reverse(self.names["order"]))

    def saved_open(self, request: SignedInRequest, saved_id: int) -> HttpResponse:
        """The form with the values of a saved order."""
        saved, job_type, form = self._form_of(request, saved_id)
        return self.order_page(request, job_type, form, **_shown(saved))

    def saved_order(self, request: SignedInRequest, saved_id: int) -> HttpResponse:
        """Order it at once. If it is no longer valid, or lacks a secret, show its form instead."""
        saved, job_type, form = self._form_of(request, saved_id)
        if form.errors:
            return self.order_page(request, job_type, form, status=422, **_shown(saved))
        return OrderPages.take(self, request, job_type, form)

    def saved_rename(self, request: SignedInRequest, saved_id: int) -> HttpResponse:
        """Give it another name."""
        saved, name = self._saved(request, saved_id), " ".join(request.POST.get("name", "").split())
        refusal = _refusal_of(name)
        try:
            if not refusal:
                rename_saved_order(saved, name=name)
        except NameTakenError:
            refusal = _("You already have a saved order of this name. Choose another name.")
        if refusal:
            messages.error(request, refusal)
        else:
            messages.success(request, _("Renamed to “%(name)s”.") % {"name": name})
        return _see(reverse(self.names["order"]))

    def saved_delete(self, request: SignedInRequest, saved_id: int) -> HttpResponse:
        """Delete it. What was ordered with it stays."""
        saved = self._saved(request, saved_id)
        saved.delete()
        messages.success(request, _("Deleted the saved order “%(name)s”.") % {"name": saved.name})
        return _see(reverse(self.names["order"]))

    def _saved(self, request: SignedInRequest, saved_id: int) -> SavedOrder:
        saved = saved_orders(request.user, kind=self.resource.kind).filter(pk=saved_id).first()
        if saved is None:
            raise Http404
        return saved

    def _form_of(self, request: SignedInRequest, saved_id: int) -> tuple[SavedOrder, JobType, OrderForm]:
        saved = self._saved(request, saved_id)
        job_type = self.type_of(request, saved.type)
        payload = {**saved.payload, "language": saved.language or None}
        return saved, job_type, self.Form.of_now(job_type, payload, payload.pop("relative", {}))

    def _not_saved(self, request: SignedInRequest, job_type: JobType, form: OrderForm, refusal: str) -> HttpResponse:
        return self.order_page(request, job_type, form, status=422, not_saved=refusal)


def _to_save(form: OrderForm) -> dict[str, Any]:
    """The order, and its relative dates, which are resolved again each time."""
    return {**form.order(), "relative": form.relative} if form.relative else form.order()


def _shown(saved: SavedOrder) -> dict[str, Any]:
    """What the form shows of the saved order that it was opened from."""
    return {"saved": saved.pk, "save_name": saved.name, "opened": saved.name}


def _opened(request: SignedInRequest) -> int | None:
    """The id of the saved order that the form was opened from: under its own name, it is replaced."""
    sent = request.POST.get("saved", "")
    return int(sent) if sent.isdecimal() and len(sent) < LONGEST_ID else None


def _refusal_of(name: str) -> str:
    if not name:
        return _("Enter a name.")
    if len(name) > (LONGEST_NAME or 0) or "\0" in name:
        return _("Enter a shorter name: it can have %(most)d characters.") % {"most": LONGEST_NAME}
    return ""


def _see(address: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": address})
