"""The form of a schedule: the order form of its kind, and when it runs. Thin views."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from jobs.models import Schedule
from jobs.pages.order_form import OrderForm, mistakes
from jobs.pages.order_pages import OrderPages
from jobs.pages.schedules.schedulable import schedulable
from jobs.pages.schedules.views import my_schedule
from jobs.pages.schedules.when_form import WhenForm, new_values, values_of
from jobs.pages.signed_in import SignedInRequest
from jobs.schedules.changing import Plan, TooManySchedulesError, change_schedule, create_schedule
from jobs.types.base import JobType
from jobs.types.scheduling import stored_order


class Forms(NamedTuple):
    """Both parts of the form, for a type of a kind. `action` is where it is sent."""

    pages: OrderPages
    job_type: JobType
    order: OrderForm
    when: WhenForm
    action: str

    @property
    def are_valid(self) -> bool:
        return not self.order.errors and self.when.is_valid()

    def plan(self) -> Plan:
        """What a valid form says."""
        found = self.when.cleaned_data
        return Plan(
            name=found["name"],
            order=stored_order(self.job_type, self.pages.data_of(self.job_type, self.order), self.order.relative),
            recurrence=found["recurrence"],
            time_zone=found["time_zone"],
            mail=found.get("mail", Schedule.Mail.FAILED),
            callback_url=found["callback_url"],
        )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new_schedule(request: SignedInRequest) -> HttpResponse:
    """The types that can be scheduled; with `?kind=` and `?type=`, the form; with `?like=` (an id), as that job."""
    if "type" not in request.GET and "like" not in request.GET:
        kinds = [(pages, pages.resource.types.orderable_by(request.user)) for pages in schedulable().values()]
        return render(request, "schedules/types.html", {"kinds": kinds})
    pages = schedulable().get(request.GET.get("kind", ""))
    if pages is None:
        raise Http404
    job = pages.mine(request, request.GET["like"]) if request.GET.get("like") else None
    job_type = pages.type_of(request, job.type if job else request.GET.get("type", ""))
    action = f"{reverse('schedule-new')}?kind={pages.resource.kind}&type={job_type.identifier}"
    if request.method != "POST":
        order = pages.Form.like(job_type, job.payload) if job else pages.Form.blank(job_type)
        return _page(request, Forms(pages, job_type, order, WhenForm(initial=new_values(str(job_type.title))), action))
    forms = Forms(pages, job_type, pages.Form.entered(job_type, request.POST), WhenForm(request.POST), action)
    if not forms.are_valid:
        return _page(request, forms, status=422)
    try:
        kind, type_ = pages.resource.kind, job_type.identifier
        schedule = create_schedule(owner=request.user, kind=kind, type=type_, plan=forms.plan())
    except TooManySchedulesError:
        return _page(request, forms, status=409, refusal=_too_many())
    return _see(schedule)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit_schedule(request: SignedInRequest, schedule_id: str) -> HttpResponse:
    """The form of a schedule. Secrets must be entered again."""
    schedule = my_schedule(request, schedule_id)
    pages = schedulable().get(schedule.kind)
    if pages is None:
        raise Http404
    job_type, action = pages.type_of(request, schedule.type), reverse("schedule-change", args=[schedule.pk])
    if request.method != "POST":
        order = _order_of(schedule, pages, job_type)
        return _page(request, Forms(pages, job_type, order, WhenForm(initial=values_of(schedule)), action), of=schedule)
    forms = Forms(pages, job_type, pages.Form.entered(job_type, request.POST), WhenForm(request.POST), action)
    if not forms.are_valid:
        return _page(request, forms, status=422, of=schedule)
    change_schedule(schedule.pk, plan=forms.plan())
    return _see(schedule)


def _order_of(schedule: Schedule, pages: OrderPages, job_type: JobType) -> OrderForm:
    """The order form of a schedule, whose relative dates have the values of now."""
    body, relative = schedule.order["body"], schedule.order["relative"]
    return pages.Form.of_now(job_type, body, relative)


def _page(
    request: SignedInRequest, forms: Forms, *, status: int = 200, of: Schedule | None = None, refusal: str = ""
) -> HttpResponse:
    of_order = mistakes(forms.order) if hasattr(forms.order, "initial_data") else []
    context: dict[str, Any] = {
        "action": forms.action,
        "job_type": forms.job_type,
        "fields": forms.pages.fields_of(forms.job_type, forms.order),
        "when": forms.when,
        "mistakes": [*of_order, *forms.when.mistakes()],
        "schedule": of,
        "refusal": refusal,
    }
    return render(request, "schedules/form.html", context, status=status)


def _see(schedule: Schedule) -> HttpResponse:
    response = redirect("schedule-detail", schedule.pk)
    response.status_code = 303
    return response


def _too_many() -> str:
    most = settings.SCHEDULES_PER_USER
    text = ngettext(
        "You have %(count)d schedule, which is the maximum. Delete it first.",
        "You have %(count)d schedules, which is the maximum. Delete one first.",
        most,
    )
    return text % {"count": most}
