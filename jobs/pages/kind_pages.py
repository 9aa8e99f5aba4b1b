"""What all pages of one kind share: its resource, the names of its paths, and its jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from jobs.api.lookup import get_job
from jobs.api.resources.resource import JobResource
from jobs.kinds import find_kind
from jobs.models import Job
from jobs.pages.signed_in import SignedInRequest
from jobs.pages.words import KindWords
from jobs.types.base import JobType
from jobs.types.registry import UnknownTypeError

#: Parts of the names of paths; the kind's name comes before them. The download belongs to the API.
NAMES = ("list", "list_live", "selected", "order", "detail", "detail_live", "lookup")
#: What is done with a saved order.
SAVED = ("saved", "saved-order", "saved-rename", "saved-delete")


class KindPages:
    """The base of the pages of one kind."""

    resource: ClassVar[JobResource]
    words: ClassVar[KindWords] = KindWords()
    #: Whether the values of the form are the whole order, so that it can be placed again. An upload also needs a file.
    can_order_again: ClassVar[bool] = True

    @property
    def names(self) -> dict[str, str]:
        """The names of the paths, for templates."""
        kind = self.resource.kind
        own = {name: f"{kind}-{name.replace('_', '-')}" for name in NAMES}
        own["download"] = f"{kind}-{self.resource.download}"
        acts = ("cancel", "delete", "share", "unshare", *SAVED)
        return own | {name.replace("-", "_"): f"{kind}-page-{name}" for name in acts}

    def render(self, request: SignedInRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        shown = {
            "kind": self.resource.kind,
            "names": self.names,
            "words": self.words,
            "can_order_again": self.can_order_again,
            "can_repeat": self.can_repeat,
        }
        return render(request, template, {**shown, **context}, status=status)

    @property
    def can_repeat(self) -> bool:
        """Whether orders of this kind can be scheduled."""
        kind = find_kind(self.resource.kind)
        return kind is not None and kind.scheduled_orders is not None

    def url_of(self, job: Job) -> str:
        """The path of a job's page."""
        return reverse(self.names["detail"], args=[job.pk])

    def facts(self, job: Job) -> Sequence[tuple[str, str]]:
        """Labels and values of parts of the order other than the parameters. Only the payload of the job counts."""
        return ()

    def mine(self, request: SignedInRequest, job_id: str) -> Job:
        return get_job(request, job_id, kind=self.resource.kind)

    def type_of(self, request: SignedInRequest, identifier: str) -> JobType:
        try:
            known: JobType = self.resource.types.get(identifier, request.user)
        except UnknownTypeError:
            raise Http404 from None
        return known
