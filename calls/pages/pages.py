"""The pages of calls: their results and their steps."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from calls.api.resource import CALLS
from calls.api.steps_view import BIGINT
from calls.pages.results import show_result
from calls.pages.step_rows import list_steps
from calls.pages.words import WORDS
from jobs.pages.detail_wording import ShownInFull
from jobs.pages.job_pages import JobPages
from jobs.pages.signed_in import SignedInRequest
from jobs.pages.wording import order_in_words, orderable_type

#: Steps on the page of a call, and on a page of all its steps.
STEPS_OF_DETAIL: Final = 20
STEPS_OF_PAGE: Final = 100


class CallPages(JobPages):
    """`/calls`, and everything below it."""

    resource = CALLS
    words = WORDS
    body_template = "calls/detail_body.html"

    def paths(self) -> list[URLPattern]:
        """The paths of every kind, and that of the steps."""
        steps = require_safe(login_required(never_cache(self.steps)))
        return [*super().paths(), path("calls/<str:job_id>/steps", steps, name="call-page-steps")]

    def additions(self, shown: ShownInFull) -> dict[str, Any]:
        """The newest steps, and the result. One query."""
        return {
            "steps": list_steps(shown.job, at_most=STEPS_OF_DETAIL),
            "result": show_result(shown.job) if shown.is_complete else None,
        }

    def steps(self, request: SignedInRequest, job_id: str) -> HttpResponse:
        """All steps, newest first; `?before=` is the number of the step at which the next page begins."""
        job = self.mine(request, job_id)
        before = request.GET.get("before", "")
        if before and not BIGINT.fullmatch(before):
            raise Http404
        found = list_steps(job, at_most=STEPS_OF_PAGE, before=int(before) if before else None)
        title = order_in_words(job, orderable_type(self.resource, job.type, request.user), self.resource)["title"]
        return self.render(request, "calls/steps.html", job=job, title=title, steps=found)
