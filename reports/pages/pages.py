"""The pages of reports: the file format, the preview, and remedies for query failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from jobs.joining import join_words
from jobs.localization import translated
from jobs.models import Job
from jobs.pages.file_format import format_in_words
from jobs.pages.job_pages import JobPages
from jobs.pages.order_form import OrderForm
from jobs.pages.signed_in import SignedInRequest
from jobs.types.base import JobType
from reports.api.resource import REPORTS
from reports.ordering import valid_payload
from reports.pages.order_form import ReportForm
from reports.pages.result_pages import ResultPages
from reports.pages.words import WORDS
from reports.previewing import PreviewFailedError, PreviewUnavailableError, preview_report
from reports.types import ReportType


class ReportPages(ResultPages, JobPages):
    """`/reports`, and everything below it."""

    resource = REPORTS
    words = WORDS
    Form = ReportForm
    order_template = "reports/order.html"
    page_template = "reports/detail.html"
    body_template = "reports/detail_body.html"

    def paths(self) -> list[URLPattern]:
        """The paths of every kind, and that of the first rows."""
        rows = require_safe(login_required(never_cache(self.rows)))
        return [*super().paths(), path("reports/<str:job_id>/rows", rows, name="report-rows")]

    def facts(self, job: Job) -> Sequence[tuple[str, str]]:
        """The file format, and the columns if some were chosen."""
        columns = job.payload.get("columns")
        chosen = [(gettext("Columns"), join_words(columns))] if columns else []
        return [(gettext("File format"), format_in_words(job.payload["csv"])), *chosen]

    def columns_of(self, job_type: JobType) -> Sequence[str]:
        """The headings, if they are known without the query."""
        return cast("ReportType", job_type).known_headings

    def take(self, request: SignedInRequest, job_type: JobType, form: OrderForm) -> HttpResponse:
        """Order, save, or show a preview."""
        if "preview" not in request.POST:
            return super().take(request, job_type, form)
        _job_type, payload = valid_payload(owner=request.user, data=self.data_of(job_type, form))
        try:
            preview = preview_report(payload, owner=request.user)
        except PreviewUnavailableError as error:
            return self.order_page(
                request, job_type, form, no_preview=translated(str(error)), can_order=True, status=503
            )
        except PreviewFailedError as error:
            return self.order_page(request, job_type, form, no_preview=translated(str(error)), status=422)
        if isinstance(form, ReportForm):
            form.offer_columns(preview.all_columns)
        return self.order_page(request, job_type, form, preview=preview)
