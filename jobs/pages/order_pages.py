"""The catalogue of the types of one kind, and the order form of a type. Thin views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.urls import reverse

from jobs.api.problems import refusal_problem
from jobs.dispatch.admission_words import admission_in_words
from jobs.errors import AdmissionError
from jobs.pages.catalogue import catalogue_of
from jobs.pages.kind_pages import KindPages
from jobs.pages.lookups import lookup_of
from jobs.pages.order_form import OrderForm, mistakes
from jobs.pages.orders_again import found_again, may_be_repeated
from jobs.pages.page_form_renderer import render_form
from jobs.pages.signed_in import SignedInRequest
from jobs.types.base import JobType
from jobs.types.saved_orders import saved_orders


class OrderPages(KindPages):
    """The order of a job of one kind."""

    Form: ClassVar[type[OrderForm]] = OrderForm
    order_template: ClassVar[str] = "jobs/order.html"

    def columns_of(self, job_type: JobType) -> Sequence[str]:
        """The columns that the catalogue names for a type."""
        return ()

    def order(self, request: SignedInRequest) -> HttpResponse:
        """The catalogue; with `?type=`, the form of a type; with `?like=` (an id), the form as that job was ordered.

        `open=format` then unfolds the file format.
        """
        if like := request.GET.get("like"):
            job = self.mine(request, like)
            job_type = self.type_of(request, job.type)
            form = self.Form.like(job_type, job.payload, format_open=request.GET.get("open") == "format")
            return self.order_page(request, job_type, form)
        if "type" not in request.GET:
            return self.catalogue(request)
        job_type = self.type_of(request, request.GET["type"])
        if request.method != "POST":
            return self.order_page(request, job_type, self.Form.blank(job_type))
        form = self.Form.entered(job_type, request.POST)
        if form.errors:
            return self.order_page(request, job_type, form, status=422)
        return self.take(request, job_type, form)

    def catalogue(self, request: SignedInRequest) -> HttpResponse:
        """My saved orders, and the types that I may order; `?q=` searches them."""
        kind, searched = self.resource.kind, request.GET.get("q", "").strip()
        types = self.resource.types.orderable_by(request.user)
        shown: dict[str, Any] = {
            "groups": catalogue_of(types, kind=kind, columns_of=self.columns_of, words=self.words, searched=searched),
            "saved": self._saved_of(request, {one.identifier: one for one in types}),
            "searched": searched,
            "is_empty": not types,
        }
        return self.render(request, "jobs/catalogue.html", **shown)

    def lookup(self, request: SignedInRequest) -> HttpResponse:
        """The rows that a parameter can name, as options of its list."""
        found = lookup_of(self.type_of(request, request.GET.get("type", "")), request.GET.get("field", ""))
        if found is None:
            raise Http404
        options = found.found(request.GET.get("q", ""))
        return self.render(request, "jobs/lookup.html", options=options, field=request.GET["field"])

    def take(self, request: SignedInRequest, job_type: JobType, form: OrderForm) -> HttpResponse:
        """Carry out the button of a valid form: place the order, unless there is an equal job that may do."""
        data = self.data_of(job_type, form)
        if "again" not in request.POST and may_be_repeated(job_type, request.POST):
            equal = self.resource.ordering.find_equal(owner=request.user, data=data)
            if equal is not None:
                found = found_again(equal, request.POST)
                return self.render(request, "jobs/equal.html", job_type=job_type, found=found)
        try:
            job = self.resource.ordering.place_order(owner=request.user, data=data).job
        except AdmissionError as error:
            problem = refusal_problem(error)
            refusal = admission_in_words(error)
            response = self.order_page(request, job_type, form, status=problem.status_code, refusal=refusal)
            response["Retry-After"] = str(problem.retry_after)
            return response
        return HttpResponse(status=303, headers={"Location": reverse(self.names["detail"], args=[job.pk])})

    def fields_of(self, job_type: JobType, form: OrderForm) -> str:
        """The fields of the form as safe HTML. The queries are those of `render_form`."""
        return render_form(form, lookup=f"{reverse(self.names['lookup'])}?type={job_type.identifier}")

    def data_of(self, job_type: JobType, form: OrderForm) -> dict[str, Any]:
        """A valid form as the body of an order over the API."""
        return {f"{self.resource.kind}Type": job_type.identifier, **form.order()}

    def order_page(
        self, request: SignedInRequest, job_type: JobType, form: OrderForm, *, status: int = 200, **shown: Any
    ) -> HttpResponse:
        """The form with its mistakes."""
        wrong = mistakes(form) if hasattr(form, "initial_data") else []
        fields = self.fields_of(job_type, form)
        sent = {name: request.POST.get(name, "") for name in ("saved", "save_name")}
        context = {"job_type": job_type, "fields": fields, "mistakes": wrong, **sent, **shown}
        return self.render(request, self.order_template, status=status, **context)

    def _saved_of(self, request: SignedInRequest, types: dict[str, JobType]) -> list[dict[str, Any]]:
        """My saved orders, with their types; a type that I may no longer order is None."""
        if not self.can_order_again:
            return []
        mine = saved_orders(request.user, kind=self.resource.kind)
        return [{"order": saved, "type": types.get(saved.type)} for saved in mine]
