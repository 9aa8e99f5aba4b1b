"""Attempts and files, of all jobs."""

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
    search_help_text = "The id of a job, or a fingerprint"
    ordering = ("-id",)
    exclude = ("traceback", "error_message")
    readonly_fields = ("message", "formatted_traceback")

    @admin.display(description="Traceback")
    def formatted_traceback(self, attempt: Attempt) -> SafeString:
        """The traceback with its line breaks."""
        return format_html("<pre>{}</pre>", redact(attempt.traceback, secrets_of(attempt.job)))

    @admin.display(description="Error message")
    def message(self, attempt: Attempt) -> str:
        """Without secrets."""
        return redact(attempt.error_message, secrets_of(attempt.job))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the job, whose kind is part of its name."""
        return super().get_queryset(request).select_related("job")


class DamagedFilter(admin.SimpleListFilter):
    """Those that storage has lost, or a part of them."""

    title = parameter_name = "damaged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """One."""
        return [("yes", "missing or of the wrong size")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Not those that were deleted meanwhile."""
        return queryset.filter(DAMAGED) if self.value() == "yes" else queryset


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    """All files. They are downloaded from the page of their job."""

    list_display = (
        "job_id", "role", "filename", "row_count", "size_bytes", "published_at", "expires_at", "deleted_at",
        "damaged_at",
    )  # fmt: skip
    list_filter = ("role", DamagedFilter)
    search_fields = ("job",)
    search_help_text = "The id of a job"
    ordering = ("-id",)
