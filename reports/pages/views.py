"""Views of the pages: thin, over the modules beside this one, `reports.ordering` and `jobs.api`."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from jobs.api.lookup import get_job
from jobs.api.problems import refusal_problem
from jobs.errors import AdmissionError, TransitionError
from jobs.interventions.cancellation import cancel_active_job
from jobs.interventions.purging import purge_jobs
from jobs.interventions.retrying import NotRetryableError
from jobs.models import Job
from jobs.pages.posting import post_only_from
from jobs.pages.signed_in import SignedInRequest, signed_in_fragment
from jobs.types.registry import UnknownTypeError
from reports.ordering import order_payload, order_report
from reports.pages.listing import list_reports
from reports.pages.order_form import OrderForm, blank_form, entered_form, form_like, mistakes, render_form
from reports.pages.wording import show_in_full
from reports.previewing import PreviewFailedError, PreviewUnavailableError, preview_report
from reports.retrying import retry_report
from reports.types import REPORT_TYPES, ReportType

NOT_RETRIED = "It was not tried again"


class Refusal(NamedTuple):
    """What the page of a report says of a deed that was not done."""

    heading: str
    reason: str


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for an icon of pages that name none, such as the admin's."""
    return redirect(static("longhaul/icon.svg"))


@require_safe
@login_required
@never_cache
def report_list(request: SignedInRequest) -> HttpResponse:
    """My reports."""
    return render(request, "jobs/list.html", {"page": list_reports(request.user, before=_before(request))})


@require_safe
@signed_in_fragment
@never_cache
def report_list_live(request: SignedInRequest) -> HttpResponse:
    """The part of the list that refreshes itself while a report on it is active."""
    return render(request, "jobs/list_live.html", {"page": list_reports(request.user, before=_before(request))})


@require_safe
@login_required
@never_cache
def report_detail(request: SignedInRequest, job_id: str) -> HttpResponse:
    """One report."""
    return _detail(request, job_id)


@require_safe
@signed_in_fragment
@never_cache
def report_detail_live(request: SignedInRequest, job_id: str) -> HttpResponse:
    """The part of a report's page that refreshes itself while the report is active."""
    return render(request, "jobs/detail_live.html", {"report": show_in_full(_mine(request, job_id), request.user)})


@post_only_from("report-detail", "job_id")
def report_cancel(request: SignedInRequest, job_id: str) -> HttpResponse:
    """Cancel a report, and stay with it. It may have ended since the page was shown: nothing is done to it then."""
    job = _mine(request, job_id)
    if cancel_active_job(job.pk, actor=request.user.get_username()):
        return redirect("report-detail", job.pk)
    ended = Refusal("It was not canceled", "The report had ended before. Nothing of it was deleted.")
    return _detail(request, job_id, refusal=ended, status=409)


@post_only_from("report-detail", "job_id")
def report_delete(request: SignedInRequest, job_id: str) -> HttpResponse:
    """Delete a report that has ended, and go back to the list. Staff may have started it anew meanwhile."""
    job = _mine(request, job_id)
    if purge_jobs([job.pk], actor=request.user.get_username()).changed:
        return redirect("report-list")
    active = Refusal("It was not deleted", "The report has been started anew. Cancel it first.")
    return _detail(request, job_id, refusal=active, status=409)


@post_only_from("report-detail", "job_id")
def report_retry(request: SignedInRequest, job_id: str) -> HttpResponse:
    """Try a failed report again. What speaks against it is shown on its page."""
    job = _mine(request, job_id)
    try:
        retry_report(job, owner=request.user)
    except TransitionError:
        pass  # a second click
    except NotRetryableError as error:
        return _detail(request, job_id, refusal=Refusal(NOT_RETRIED, str(error)), status=409)
    except AdmissionError as error:
        full = Refusal(NOT_RETRIED, f"{error} Try again in a while.")
        return _detail(request, job_id, refusal=full, status=refusal_problem(error).status_code)
    return redirect("report-detail", job.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def report_order(request: SignedInRequest) -> HttpResponse:
    """Choose a type; with `?type=`, its form; with `?like=` (an id), the form as that report was ordered.

    `open=format` unfolds the file format.
    """
    if like := request.GET.get("like"):
        payload = _mine(request, like).payload
        report_type = _report_type(request, payload["reportType"])
        form = form_like(report_type, payload, format_open=request.GET.get("open") == "format")
        return _order_page(request, report_type, form)
    if "type" not in request.GET:
        return render(request, "jobs/types.html", {"report_types": REPORT_TYPES.orderable_by(request.user)})
    report_type = _report_type(request, request.GET["type"])
    if request.method != "POST":
        return _order_page(request, report_type, blank_form(report_type))
    return _place_order(request, report_type)


def _place_order(request: SignedInRequest, report_type: ReportType) -> HttpResponse:
    form = entered_form(report_type, request.POST)
    if form.errors:
        return _order_page(request, report_type, form, status=422)
    if "preview" in request.POST:
        return _preview_page(request, report_type, form)
    try:
        job = order_report(owner=request.user, data={"reportType": report_type.identifier, **form.order()})
    except AdmissionError as error:
        problem = refusal_problem(error)
        response = _order_page(request, report_type, form, status=problem.status_code, refusal=str(error))
        response["Retry-After"] = str(problem.retry_after)
        return response
    return HttpResponse(status=303, headers={"Location": reverse("report-detail", args=[job.pk])})


def _detail(
    request: SignedInRequest, job_id: str, *, status: int = 200, refusal: Refusal | None = None
) -> HttpResponse:
    context = {"report": show_in_full(_mine(request, job_id), request.user), "refusal": refusal}
    return render(request, "jobs/detail.html", context, status=status)


def _preview_page(request: SignedInRequest, report_type: ReportType, form: OrderForm) -> HttpResponse:
    _, payload = order_payload(owner=request.user, data={"reportType": report_type.identifier, **form.order()})
    try:
        return _order_page(request, report_type, form, preview=preview_report(payload, owner=request.user))
    except PreviewUnavailableError as error:
        complaint = f"{error} You can order the report all the same, or ask for the preview again in a while."
        return _order_page(request, report_type, form, no_preview=complaint, status=503)
    except PreviewFailedError as error:
        return _order_page(request, report_type, form, no_preview=str(error), status=422)


def _order_page(
    request: SignedInRequest, report_type: ReportType, form: OrderForm, *, status: int = 200, **shown: Any
) -> HttpResponse:
    context = {
        "report_type": report_type,
        "fields": render_form(form),
        "mistakes": mistakes(form) if hasattr(form, "initial_data") else [],
        **shown,
    }
    return render(request, "jobs/order.html", context, status=status)


def _mine(request: SignedInRequest, job_id: str) -> Job:
    return get_job(request, job_id, kind="report")


def _report_type(request: SignedInRequest, identifier: str) -> ReportType:
    try:
        return REPORT_TYPES.get(identifier, request.user)
    except UnknownTypeError:
        raise Http404 from None


def _before(request: SignedInRequest) -> UUID | None:
    before = request.GET.get("before")
    try:
        return UUID(before) if before else None
    except ValueError:
        raise Http404 from None
