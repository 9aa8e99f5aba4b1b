"""Several jobs of a list at once: a page that asks for confirmation, and the action. Thin views."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import ngettext

from jobs.joining import join_words
from jobs.models import Job
from jobs.pages.kind_pages import KindPages
from jobs.pages.list_filter import query_of
from jobs.pages.listing import PAGE_SIZE
from jobs.pages.rows import Row, rows_of
from jobs.pages.selection import ACTIONS, Outcome, act_on
from jobs.pages.signed_in import SignedInRequest


class SelectionPages(KindPages):
    """`?action=cancel&job=…&job=…`: asks with GET, acts with POST, and goes back to the list as it was filtered."""

    def selected(self, request: SignedInRequest) -> HttpResponseBase:
        """At most as many jobs as a page of the list has. Ids of other users and unknown ones are only counted."""
        sent = request.POST if request.method == "POST" else request.GET
        action = sent.get("action", "")
        here = query_of(QueryDict(sent.get("back", "")), also=("before",))
        if not action:  # a user who had to sign in again after the confirmation
            return self._back(here)
        if action not in ACTIONS:
            raise Http404
        ids = _ids(sent.getlist("job"))
        if not ids:
            messages.warning(request, str(self.words.nothing_selected))
            return self._back(here)
        rows, words = self._rows(request, ids), self.words.of_action(action)
        if request.method != "POST":
            count = {"count": len(rows)}
            ask, confirm = words.ask % count, words.confirm % count
            return self._confirmation(request, action=action, rows=rows, here=here, ask=ask, confirm=confirm)
        outcome = act_on(action, rows, pages=self, owner=request.user)
        if outcome.changed:
            messages.success(request, str(words.done % {"count": outcome.changed}))
        _tell_refusals(request, outcome, unknown=len(ids) - len(rows))
        return self._back(here)

    def _rows(self, request: SignedInRequest, ids: list[UUID]) -> list[Row]:
        mine = Job.objects.owned_by(request.user).filter(kind=self.resource.kind, pk__in=ids)
        return rows_of(list(mine.with_result().order_by("-id")), request.user, {self.resource.kind: self})

    def _confirmation(self, request: SignedInRequest, *, rows: list[Row], **shown: Any) -> HttpResponse:
        if not rows:
            raise Http404
        return self.render(request, "jobs/selected.html", rows=rows, **shown)

    def _back(self, here: str) -> HttpResponseRedirect:
        address = reverse(self.names["list"])
        return HttpResponseRedirect(f"{address}?{here}" if here else address)


def _ids(sent: list[str]) -> list[UUID]:
    """The ids, each once. Raises Http404 for what is no id, and for more than a page has."""
    try:
        ids = list(dict.fromkeys(UUID(job_id) for job_id in sent))
    except ValueError:
        raise Http404 from None
    if len(ids) > PAGE_SIZE:
        raise Http404
    return ids


def _tell_refusals(request: SignedInRequest, outcome: Outcome, *, unknown: int) -> None:
    for reason, titles in outcome.refused.items():
        text = ngettext(
            "Left as it is: %(titles)s. %(reason)s", "Left as they are: %(titles)s. %(reason)s", len(titles)
        )
        messages.warning(request, text % {"titles": join_words(titles), "reason": reason})
    if unknown:
        text = ngettext("%(count)d was not found.", "%(count)d were not found.", unknown)
        messages.warning(request, text % {"count": unknown})
