"""The list of my jobs of one kind, with the part that refreshes itself. Thin views."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse

from jobs.pages.kind_pages import KindPages
from jobs.pages.list_filter import ListFilter, query_of
from jobs.pages.listing import list_jobs
from jobs.pages.signed_in import SignedInRequest


class ListPages(KindPages):
    """The list of one kind."""

    def list(self, request: SignedInRequest) -> HttpResponse:
        """My jobs, with filters. Values of filters that are not valid are told, and nothing is listed."""
        return self._listed(request, "jobs/list.html")

    def list_live(self, request: SignedInRequest) -> HttpResponse:
        """The part of the list that refreshes itself while a job on it is active."""
        return self._listed(request, "jobs/list_live.html")

    def _listed(self, request: SignedInRequest, template: str) -> HttpResponse:
        chosen = ListFilter.of(request, self.resource)
        if not chosen.is_valid():
            return self.render(request, "jobs/list.html", status=400, chosen=chosen)
        try:
            before = UUID(request.GET["before"]) if request.GET.get("before") else None
        except ValueError:
            raise Http404 from None
        page = list_jobs(request.user, self, chosen=chosen, before=before)
        here = query_of(request.GET, also=("before",))
        return self.render(request, template, page=page, chosen=chosen, here=here)
