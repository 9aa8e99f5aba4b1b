"""The page of one job, with the fragment that refreshes itself and the buttons on it. Thin views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from jobs.api.problems import refusal_problem
from jobs.errors import AdmissionError, TransitionError
from jobs.interventions.cancellation import cancel_active_job
from jobs.interventions.purging import purge_jobs
from jobs.interventions.retrying import NotRetryableError
from jobs.models import Job
from jobs.pages.kind_pages import KindPages
from jobs.pages.signed_in import SignedInRequest
from jobs.pages.wording import ShownInFull, show_in_full
from jobs.remedies import REMEDIES, Remedy

NOT_RETRIED = "It was not tried again"


class Refusal(NamedTuple):
    """The message on a job's page about an action that was refused."""

    heading: str
    reason: str


class DetailPages(KindPages):
    """The page of one job of a kind."""

    #: Code of a failure → remedy.
    remedies: ClassVar[Mapping[str, Remedy]] = REMEDIES

    def facts(self, job: Job) -> Sequence[tuple[str, str]]:
        """Labels and values of parts of the order other than the parameters, for the detail page."""
        return ()

    def detail(
        self, request: SignedInRequest, job_id: str, *, status: int = 200, refused: Refusal | None = None
    ) -> HttpResponse:
        """One job."""
        shown = self._shown(request, job_id)
        return self.render(request, "jobs/detail.html", status=status, shown=shown, refusal=refused)

    def detail_live(self, request: SignedInRequest, job_id: str) -> HttpResponse:
        """The part of a job's page that refreshes itself while the job is active."""
        return self.render(request, "jobs/detail_live.html", shown=self._shown(request, job_id))

    def cancel(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """Cancel a job, and go back to its page. A job that has ended since the page was shown is left unchanged."""
        job = self.mine(request, job_id)
        if cancel_active_job(job.pk, actor=request.user.get_username()):
            return redirect(self.names["detail"], job.pk)
        ended = Refusal("It was not canceled", f"The {job.kind} had already ended. Nothing was deleted.")
        return self.detail(request, job_id, status=409, refused=ended)

    def delete(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """Delete a job that has ended, and go back to the list. Refused if staff have started it again meanwhile."""
        job = self.mine(request, job_id)
        if purge_jobs([job.pk], actor=request.user.get_username()).changed:
            return redirect(self.names["list"])
        active = Refusal("It was not deleted", f"The {job.kind} has been started again. Cancel it first.")
        return self.detail(request, job_id, status=409, refused=active)

    def retry(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """Try a failed job again. If that is refused, its page gives the reason."""
        job = self.mine(request, job_id)
        try:
            self.resource.retry(job, owner=request.user)
        except TransitionError:
            pass  # a second click
        except NotRetryableError as error:
            return self.detail(request, job_id, status=409, refused=Refusal(NOT_RETRIED, str(error)))
        except AdmissionError as error:
            full = Refusal(NOT_RETRIED, f"{error} Try again later.")
            return self.detail(request, job_id, status=refusal_problem(error).status_code, refused=full)
        return redirect(self.names["detail"], job.pk)

    def _shown(self, request: SignedInRequest, job_id: str) -> ShownInFull:
        job = self.mine(request, job_id)
        return show_in_full(job, request.user, self.resource, facts=self.facts(job), remedies=self.remedies)
