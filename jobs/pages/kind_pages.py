"""What all pages of one kind share: its resource, the names of its paths, and its jobs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.shortcuts import render

from jobs.api.lookup import get_job
from jobs.api.resources.resource import JobResource
from jobs.models import Job
from jobs.pages.signed_in import SignedInRequest
from jobs.types.base import JobType
from jobs.types.registry import UnknownTypeError

#: Parts of the names of paths; the kind's name comes before them. The download belongs to the API.
NAMES = ("list", "list_live", "order", "detail", "detail_live", "download", "lookup")
#: What is done with a saved order.
SAVED = ("saved", "saved-order", "saved-rename", "saved-delete")


class KindPages:
    """The base of the pages of one kind."""

    resource: ClassVar[JobResource]

    @property
    def names(self) -> dict[str, str]:
        """The names of the paths, for templates."""
        kind = self.resource.kind
        own = {name: f"{kind}-{name.replace('_', '-')}" for name in NAMES}
        return own | {name.replace("-", "_"): f"{kind}-page-{name}" for name in ("cancel", "delete", *SAVED)}

    def render(self, request: SignedInRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        return render(request, template, {"names": self.names, **self.resource.words, **context}, status=status)

    def mine(self, request: SignedInRequest, job_id: str) -> Job:
        return get_job(request, job_id, kind=self.resource.kind)

    def type_of(self, request: SignedInRequest, identifier: str) -> JobType:
        try:
            known: JobType = self.resource.types.get(identifier, request.user)
        except UnknownTypeError:
            raise Http404 from None
        return known
