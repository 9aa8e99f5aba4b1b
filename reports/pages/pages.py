"""The pages of reports: the file format, the preview, and remedies for query failures."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse

from jobs.models import Job
from jobs.pages.file_format import FileFormat, format_in_words
from jobs.pages.job_pages import JobPages
from jobs.pages.order_form import OrderForm
from jobs.pages.signed_in import SignedInRequest
from jobs.types.base import JobType
from reports.api.resource import REPORTS
from reports.ordering import valid_payload
from reports.previewing import PreviewFailedError, PreviewUnavailableError, preview_report
from reports.remedies import REMEDIES_OF_REPORTS


class ReportForm(OrderForm):
    """Parameters and file format."""

    csv = FileFormat(label="File format", style={"base_template": "details.html"})


class ReportPages(JobPages):
    """`/`, and everything below `/reports`."""

    resource = REPORTS
    Form = ReportForm
    order_template = "reports/order.html"
    remedies = REMEDIES_OF_REPORTS

    def facts(self, job: Job) -> Sequence[tuple[str, str]]:
        """The file format."""
        return [("Format", format_in_words(job.payload["csv"]))]

    def take(self, request: SignedInRequest, job_type: JobType, form: OrderForm) -> HttpResponse:
        """Order, or show a preview."""
        if "preview" not in request.POST:
            return super().take(request, job_type, form)
        _, payload = valid_payload(owner=request.user, data=self.data_of(job_type, form))
        try:
            return self.order_page(request, job_type, form, preview=preview_report(payload, owner=request.user))
        except PreviewUnavailableError as error:
            reason = f"{error} You can still order the report, or try the preview again later."
            return self.order_page(request, job_type, form, no_preview=reason, status=503)
        except PreviewFailedError as error:
            return self.order_page(request, job_type, form, no_preview=str(error), status=422)
