"""The list of my jobs of one kind, with the fragment that refreshes itself. Thin views."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse

from jobs.pages.kind_pages import KindPages
from jobs.pages.listing import list_jobs
from jobs.pages.signed_in import SignedInRequest


class ListPages(KindPages):
    """The list of one kind."""

    def list(self, request: SignedInRequest) -> HttpResponse:
        """My jobs."""
        return self.render(request, "jobs/list.html", page=self._page(request))

    def list_live(self, request: SignedInRequest) -> HttpResponse:
        """The part of the list that refreshes itself while a job on it is active."""
        return self.render(request, "jobs/list_live.html", page=self._page(request))

    def _page(self, request: SignedInRequest) -> Any:
        before = request.GET.get("before")
        try:
            return list_jobs(request.user, self.resource, before=UUID(before) if before else None)
        except ValueError:
            raise Http404 from None
