"""The page of one job, with the fragment that refreshes itself and the buttons on it. Thin views."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext

from jobs.api.problems import refusal_problem
from jobs.dispatch.admission_words import admission_in_words
from jobs.errors import AdmissionError, TransitionError
from jobs.interventions.cancellation import cancel_active_job
from jobs.interventions.purging import purge_jobs
from jobs.interventions.retrying import NotRetryableError
from jobs.joining import join_sentences
from jobs.kinds import get_kind
from jobs.localization import translated
from jobs.pages.detail_wording import ShownInFull, show_in_full
from jobs.pages.kind_pages import KindPages
from jobs.pages.refusal import Refusal
from jobs.pages.share_panel import share_panel
from jobs.pages.signed_in import SignedInRequest
from jobs.pages.support import support_contact


class DetailPages(KindPages):
    """The page of one job of a kind.

    A kind may extend the templates: `body_template` has the blocks of all that is shown of a job, `page_template` the
    head of the page, for scripts of its own.
    """

    page_template: ClassVar[str] = "jobs/detail.html"
    body_template: ClassVar[str] = "jobs/detail_body.html"

    def additions(self, shown: ShownInFull) -> dict[str, Any]:
        """What the templates of the kind need in addition."""
        return {}

    def detail(
        self,
        request: SignedInRequest,
        job_id: str,
        *,
        status: int = 200,
        refused: Refusal | None = None,
        **extra: Any,
    ) -> HttpResponse:
        """One job. `extra` is added to the context of the template."""
        context = self._context(request, job_id)
        return self.render(request, self.page_template, status=status, **context, refusal=refused, **extra)

    def detail_live(self, request: SignedInRequest, job_id: str) -> HttpResponse:
        """The part of a job's page that refreshes itself while the job is active."""
        return self.render(request, self.body_template, **self._context(request, job_id))

    def cancel(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """Cancel a job, and go back to its page. A job that has ended since the page was shown is left unchanged."""
        job = self.mine(request, job_id)
        if cancel_active_job(job.pk, actor=request.user.get_username()):
            return redirect(self.names["detail"], job.pk)
        ended = Refusal(gettext("It was not canceled"), str(self.words.not_canceled))
        return self.detail(request, job_id, status=409, refused=ended)

    def delete(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """Delete a job that has ended, and go back to the list. Refused if staff have started it again meanwhile."""
        job = self.mine(request, job_id)
        if purge_jobs([job.pk], actor=request.user.get_username()).changed:
            return redirect(self.names["list"])
        active = Refusal(gettext("It was not deleted"), str(self.words.not_deleted))
        return self.detail(request, job_id, status=409, refused=active)

    def retry(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """Try a failed job again. If that is refused, its page gives the reason."""
        job = self.mine(request, job_id)
        heading = gettext("It was not tried again")
        try:
            self.resource.retry(job, owner=request.user)
        except TransitionError:
            pass  # a second click
        except NotRetryableError as error:
            return self.detail(request, job_id, status=409, refused=Refusal(heading, translated(str(error))))
        except AdmissionError as error:
            full = Refusal(heading, join_sentences(admission_in_words(error), gettext("Try again later.")))
            return self.detail(request, job_id, status=refusal_problem(error).status_code, refused=full)
        return redirect(self.names["detail"], job.pk)

    def _context(self, request: SignedInRequest, job_id: str) -> dict[str, Any]:
        job = self.mine(request, job_id)
        remedies = get_kind(job.kind).remedies
        shown = show_in_full(
            job, request.user, self.resource, facts=self.facts(job), remedies=remedies, words=self.words
        )
        return {
            "shown": shown,
            "body_template": self.body_template,
            "share": share_panel(request, self.resource, shown),
            "contact": support_contact() if shown.failure else None,
            **self.additions(shown),
        }
