"""The types of one kind, and the order form of a type. Thin views."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from django.urls import reverse

from jobs.api.problems import refusal_problem
from jobs.errors import AdmissionError
from jobs.pages.kind_pages import KindPages
from jobs.pages.order_form import OrderForm, mistakes, render_form
from jobs.pages.signed_in import SignedInRequest
from jobs.types.base import JobType


class OrderPages(KindPages):
    """The order of a job of one kind."""

    Form: ClassVar[type[OrderForm]] = OrderForm
    order_template: ClassVar[str] = "jobs/order.html"

    def order(self, request: SignedInRequest) -> HttpResponse:
        """The types; with `?type=`, the form of a type; with `?like=` (an id), the form as that job was ordered.

        `open=format` then unfolds the file format.
        """
        if like := request.GET.get("like"):
            job = self.mine(request, like)
            job_type = self.type_of(request, job.type)
            form = self.Form.like(job_type, job.payload, format_open=request.GET.get("open") == "format")
            return self.order_page(request, job_type, form)
        if "type" not in request.GET:
            return self.render(request, "jobs/types.html", job_types=self.resource.types.orderable_by(request.user))
        job_type = self.type_of(request, request.GET["type"])
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
        return self.render(request, self.order_template, status=status, **context)
