"""The attempts and the files of all jobs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.admin.read_only import ReadOnlyAdmin
from jobs.files.damage import DAMAGED
from jobs.models import Artifact, Attempt
from jobs.payloads.masked import secrets_of
from jobs.payloads.redaction import redact


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """All attempts, with their tracebacks."""

    list_display = ("job", "number", "outcome", "worker", "started_at", "duration", "error_class", "error_fingerprint")
    list_filter = ("outcome",)
    search_fields = ("job", "error_fingerprint")
    search_help_text = "A job ID or a fingerprint"
    ordering = ("-id",)
    exclude = ("traceback", "error_message")
    readonly_fields = ("message", "formatted_traceback")

    @admin.display(description="Traceback")
    def formatted_traceback(self, attempt: Attempt) -> SafeString:
        return format_html("<pre>{}</pre>", redact(attempt.traceback, secrets_of(attempt.job)))

    @admin.display(description="Error message")
    def message(self, attempt: Attempt) -> str:
        return redact(attempt.error_message, secrets_of(attempt.job))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Read with the jobs: the column `job` shows their kinds."""
        return super().get_queryset(request).select_related("job")


class DamagedFilter(admin.SimpleListFilter):
    """Files that storage has lost, wholly or in part, and that were not deleted since."""

    title = parameter_name = "damaged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "missing or of the wrong size")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(DAMAGED) if self.value() == "yes" else queryset


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    """All files. Staff download them on the page of the job."""

    list_display = (
        "job_id", "role", "filename", "row_count", "size_bytes", "published_at", "expires_at", "deleted_at",
        "damaged_at",
    )  # fmt: skip
    list_filter = ("role", DamagedFilter)
    search_fields = ("job",)
    search_help_text = "A job ID"
    ordering = ("-id",)
