"""The pages of a kind whose jobs have a type. A kind subclasses `JobPages`, and includes its `paths()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from jobs.api.lookup import get_job
from jobs.api.problems import refusal_problem
from jobs.api.resources.resource import JobResource
from jobs.errors import AdmissionError, TransitionError
from jobs.interventions.cancellation import cancel_active_job
from jobs.interventions.purging import purge_jobs
from jobs.interventions.retrying import NotRetryableError
from jobs.models import Job
from jobs.pages.listing import list_jobs
from jobs.pages.order_form import OrderForm, mistakes, render_form
from jobs.pages.posting import View, post_only_from
from jobs.pages.refusal import Refusal
from jobs.pages.remedies import REMEDIES, Remedy
from jobs.pages.share_panel import share_panel
from jobs.pages.sharing import share_paths
from jobs.pages.signed_in import SignedInRequest, signed_in_fragment
from jobs.pages.wording import show_in_full
from jobs.types.base import JobType
from jobs.types.registry import UnknownTypeError

#: Parts of the names of paths; the kind's name comes before them. The download belongs to the API.
NAMES = ("list", "list_live", "order", "detail", "detail_live", "download")
NOT_RETRIED = "It was not tried again"


class JobPages:
    """List, detail and order form of one kind, with the fragments that refresh themselves. Thin views."""

    resource: ClassVar[JobResource]
    Form: ClassVar[type[OrderForm]] = OrderForm
    order_template: ClassVar[str] = "jobs/order.html"
    #: Code of a failure → remedy.
    remedies: ClassVar[Mapping[str, Remedy]] = REMEDIES

    def facts(self, job: Job) -> Sequence[tuple[str, str]]:
        """Labels and values of parts of the order other than the parameters, for the detail page."""
        return ()

    def paths(self, *, list_path: str | None = None) -> list[URLPattern]:
        """The list is at `list_path`, or by default below the kind's name, like all other pages."""
        kind, at, names = self.resource.kind, f"{self.resource.kind}s", self.names
        of_job = post_only_from(names["detail"], "job_id")
        return [
            path(at if list_path is None else list_path, _page(self.list), name=names["list"]),
            path(f"{at}/live", _fragment(self.list_live), name=names["list_live"]),
            path(f"{at}/new", _form(self.order), name=names["order"]),
            path(f"{at}/<str:job_id>", _page(self.detail), name=names["detail"]),
            path(f"{at}/<str:job_id>/live", _fragment(self.detail_live), name=names["detail_live"]),
            path(f"{at}/<str:job_id>/cancel", of_job(self.cancel), name=f"{kind}-page-cancel"),
            path(f"{at}/<str:job_id>/delete", of_job(self.delete), name=f"{kind}-page-delete"),
            path(f"{at}/<str:job_id>/retry", of_job(self.retry), name=f"{kind}-page-retry"),
            *share_paths(self),
        ]

    @property
    def names(self) -> dict[str, str]:
        """The names of the paths, for templates."""
        kind = self.resource.kind
        own = {name: f"{kind}-{name.replace('_', '-')}" for name in NAMES}
        return own | {name: f"{kind}-page-{name}" for name in ("cancel", "delete", "share", "unshare")}

    def list(self, request: SignedInRequest) -> HttpResponse:
        """My jobs."""
        return self._render(request, "jobs/list.html", page=self._page(request))

    def list_live(self, request: SignedInRequest) -> HttpResponse:
        """The part of the list that refreshes itself while a job on it is active."""
        return self._render(request, "jobs/list_live.html", page=self._page(request))

    def detail(
        self, request: SignedInRequest, job_id: str, *, status: int = 200, refused: Refusal | None = None
    ) -> HttpResponse:
        """One job."""
        return self._render(request, "jobs/detail.html", status=status, refusal=refused, **self._shown(request, job_id))

    def detail_live(self, request: SignedInRequest, job_id: str) -> HttpResponse:
        """The part of a job's page that refreshes itself while the job is active."""
        return self._render(request, "jobs/detail_live.html", **self._shown(request, job_id))

    def cancel(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """Cancel a job, and go back to its page. A job that has ended since the page was shown is left unchanged."""
        job = self._mine(request, job_id)
        if cancel_active_job(job.pk, actor=request.user.get_username()):
            return redirect(self.names["detail"], job.pk)
        ended = Refusal("It was not canceled", f"The {job.kind} had already ended. Nothing was deleted.")
        return self.detail(request, job_id, status=409, refused=ended)

    def delete(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """Delete a job that has ended, and go back to the list. Refused if staff have started it again meanwhile."""
        job = self._mine(request, job_id)
        if purge_jobs([job.pk], actor=request.user.get_username()).changed:
            return redirect(self.names["list"])
        active = Refusal("It was not deleted", f"The {job.kind} has been started again. Cancel it first.")
        return self.detail(request, job_id, status=409, refused=active)

    def retry(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """Try a failed job again. If that is refused, its page gives the reason."""
        job = self._mine(request, job_id)
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

    def order(self, request: SignedInRequest) -> HttpResponse:
        """The types; with `?type=`, the form of a type; with `?like=` (an id), the form as that job was ordered.

        `open=format` then unfolds the file format.
        """
        if like := request.GET.get("like"):
            job = self._mine(request, like)
            job_type = self._type(request, job.type)
            form = self.Form.like(job_type, job.payload, format_open=request.GET.get("open") == "format")
            return self.order_page(request, job_type, form)
        if "type" not in request.GET:
            return self._render(request, "jobs/types.html", job_types=self.resource.types.orderable_by(request.user))
        job_type = self._type(request, request.GET["type"])
        if request.method != "POST":
            return self.order_page(request, job_type, self.Form.blank(job_type))
        form = self.Form.entered(job_type, request.POST)
        if form.errors:
            return self.order_page(request, job_type, form, status=422)
        return self.take(request, job_type, form)

    def take(self, request: SignedInRequest, job_type: JobType, form: OrderForm) -> HttpResponse:
        """Carry out the button of a valid form: place the order."""
        try:
            job = self.resource.ordering.place_order(owner=request.user, data=self.data_of(job_type, form)).job
        except AdmissionError as error:
            problem = refusal_problem(error)
            response = self.order_page(request, job_type, form, status=problem.status_code, refusal=str(error))
            response["Retry-After"] = str(problem.retry_after)
            return response
        return HttpResponse(status=303, headers={"Location": reverse(self.names["detail"], args=[job.pk])})

    def data_of(self, job_type: JobType, form: OrderForm) -> dict[str, Any]:
        """A valid form as the body of an order over the API."""
        return {f"{self.resource.kind}Type": job_type.identifier, **form.order()}

    def order_page(
        self, request: SignedInRequest, job_type: JobType, form: OrderForm, *, status: int = 200, **shown: Any
    ) -> HttpResponse:
        """The form with its mistakes."""
        wrong = mistakes(form) if hasattr(form, "initial_data") else []
        context = {"job_type": job_type, "fields": render_form(form), "mistakes": wrong, **shown}
        return self._render(request, self.order_template, status=status, **context)

    def _render(self, request: SignedInRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        return render(request, template, {"names": self.names, **self.resource.words, **context}, status=status)

    def _page(self, request: SignedInRequest) -> Any:
        before = request.GET.get("before")
        try:
            return list_jobs(request.user, self.resource, before=UUID(before) if before else None)
        except ValueError:
            raise Http404 from None

    def _shown(self, request: SignedInRequest, job_id: str) -> dict[str, Any]:
        job = self._mine(request, job_id)
        shown = show_in_full(job, request.user, self.resource, facts=self.facts(job), remedies=self.remedies)
        return {"shown": shown, "share": share_panel(request, self.resource, shown)}

    def _mine(self, request: SignedInRequest, job_id: str) -> Job:
        return get_job(request, job_id, kind=self.resource.kind)

    def _type(self, request: SignedInRequest, identifier: str) -> JobType:
        try:
            known: JobType = self.resource.types.get(identifier, request.user)
        except UnknownTypeError:
            raise Http404 from None
        return known


def _page(view: View) -> View:
    return require_safe(login_required(never_cache(view)))


def _fragment(view: View) -> View:
    return require_safe(signed_in_fragment(never_cache(view)))


def _form(view: View) -> View:
    return require_http_methods(["GET", "HEAD", "POST"])(login_required(never_cache(view)))
