"""The list of jobs and its actions. The page of one job is in `jobs.admin.job_views`."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from unfold.decorators import display

from jobs.admin.actions import CANCEL, DISCARD, REQUEUE, confirm_and_perform
from jobs.admin.export import jobs_as_csv
from jobs.admin.filters import FILTERS
from jobs.admin.job_views import JobPages, is_permitted
from jobs.interventions.selection import search
from jobs.models import Job
from jobs.states import State

#: State → color of its label.
COLORS = {
    State.QUEUED: "",
    State.RUNNING: "info",
    State.FAILED: "warning",
    State.DEAD: "danger",
    State.SUCCEEDED: "success",
    State.CANCELLED: "",
}


@admin.register(Job)
class JobAdmin(JobPages):
    """All jobs, newest first."""

    list_display = ("id", "state_label", "kind_and_type", "queue", "owner", "attempts_used", "error", "created_at")
    list_filter = FILTERS
    list_filter_submit = True
    owner_path = "owner"
    list_select_related = ("owner",)
    sortable_by = ()
    open_lookups = ("state", "kind", "type", "queue", "owner", "error_class", "error_fingerprint")
    search_fields = ("id",)  # shows the search box; `get_search_results` does the search
    search_help_text = "A job ID, an owner's name, a value from the payload, or key=value"
    ordering = ("-id",)
    actions = ("requeue_jobs", "discard_jobs", "cancel_jobs", "export_jobs")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Skip the columns that only the page of a job shows."""
        return super().get_queryset(request).defer("result", "error_message")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search with lookups that use an index, never with a scan of the table."""
        return (queryset.filter(search(search_term)) if search_term.strip() else queryset), False

    @display(description="State", label=COLORS)
    def state_label(self, job: Job) -> str:
        return job.state

    @admin.display(description="Kind and type")
    def kind_and_type(self, job: Job) -> str:
        return f"{job.kind} {job.type}".strip()

    @admin.display(description="Attempts")
    def attempts_used(self, job: Job) -> str:
        """The attempts used up, and the maximum."""
        return f"{job.attempt_count} of {job.max_attempts}"

    @admin.display(description="Last error")
    def error(self, job: Job) -> str:
        """The class of the error, without its module."""
        return job.error_class.rpartition(".")[2]

    @admin.action(description="Requeue…", permissions=["requeue"])
    def requeue_jobs(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        return confirm_and_perform(self, request, jobs, REQUEUE, "requeue_jobs")

    @admin.action(description="Discard…", permissions=["discard"])
    def discard_jobs(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        return confirm_and_perform(self, request, jobs, DISCARD, "discard_jobs")

    @admin.action(description="Cancel…", permissions=["cancel"])
    def cancel_jobs(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        return confirm_and_perform(self, request, jobs, CANCEL, "cancel_jobs")

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_jobs(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponseBase:
        """Without confirmation, because it changes nothing."""
        return jobs_as_csv(jobs)

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        return is_permitted(request, "requeue_job")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return is_permitted(request, "discard_job")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return is_permitted(request, "cancel_job")
