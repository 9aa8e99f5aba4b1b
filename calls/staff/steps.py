"""The steps of all calls: what was sent and answered, without secrets, and why a step failed. Read-only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from calls.models import Step
from calls.types import CALL_TYPES
from jobs.models import Job
from jobs.payloads.masked import secrets_of
from jobs.payloads.redaction import redact
from jobs.staff_pages import (
    FactsAdmin,
    JobLink,
    OwnerFilter,
    display,
    formatted,
    link_to,
    owner_with_lists,
    register_job_links,
    register_permissions,
)

#: Outcome → color of its label.
COLORS: Final = {"done": "success", "refused": "danger", "failed": "warning"}

register_permissions(viewer=("calls.view_step",))


@admin.register(Step)
class StepAdmin(FactsAdmin):
    """Steps of calls, those that began last first."""

    list_display = ("name", "outcome_label", "job_link", "attempt", "duration", "ended_at", "error_code")
    list_filter = ("outcome", OwnerFilter)
    owner_path = "job__owner"
    id_fields = ("job_id",)
    open_lookups = ("job",)
    search_help_text = "The ID of a job, or an owner's name"
    target_type = "step"
    colors: ClassVar = COLORS
    ordering = ("-id",)

    @display(description="Outcome", label=COLORS)
    def outcome_label(self, step: Step) -> str:
        return step.outcome

    @admin.display(description="Job")
    def job_link(self, step: Step) -> object:
        url = reverse("admin:jobs_job_change", args=[step.job_id])
        return format_html('<a class="lh-link" href="{}">{}</a>', url, step.job_id)

    @admin.display(description="Duration")
    def duration(self, step: Step) -> str:
        return f"{step.duration_ms:,} ms"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the results, which may hold anything of the owner's, and which no page of the staff shows."""
        steps: QuerySet[Any] = super().get_queryset(request)
        return steps.select_related("job__owner").defer("result", "job__result", "job__payload")

    def heading(self, step: Step) -> str:
        return step.name

    def state_of(self, step: Step) -> str:
        return step.outcome

    def explanation(self, step: Step) -> str:
        match step.outcome:
            case Step.Outcome.REFUSED:
                return "It failed for good, and the call continued without it."
            case Step.Outcome.FAILED:
                return "The next attempt of the call, if there is one, tries it again and replaces this row."
        return "No attempt does it again: later ones use its stored result."

    def facts(self, request: HttpRequest, step: Step) -> Iterable[tuple[str, object]]:
        return [
            ("Job", link_to(request, Job, step.job_id)),
            ("Call type", step.job.type),
            ("Owner", owner_with_lists(request, step.job.owner)),
            ("Attempt", step.attempt),
            ("Duration", self.duration(step)),
            ("Ended", step.ended_at),
            ("Error code", step.error_code),
            ("Fingerprint of what it does", step.fingerprint),
        ]

    def texts(self, step: Step) -> Iterable[tuple[str, str]]:
        """What was stored is masked already; secrets that were added to the job's type since are masked here."""
        secrets = secrets_of(step.job)
        for title, stored in (("Request", step.request), ("Answer", step.answer)):
            if stored is not None:
                yield title, redact(formatted(stored), secrets)
        if step.error_message:
            yield "Error", redact(step.error_message, secrets)


def steps_of(job: Job) -> Iterable[JobLink]:
    """The steps of a call."""
    if job.kind == CALL_TYPES.kind and (count := Step.objects.filter(job=job).count()):
        yield JobLink("Steps", Step, job.pk, f"{count:,}", listed_by="job")


register_job_links(steps_of)
