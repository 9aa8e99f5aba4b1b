"""Jobs with their attempts and artifacts."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from jobs.models import Artifact, Attempt, Event, Job


class AttemptInline(ReadOnlyInline):
    """The attempts of a job; their tracebacks stand on pages of their own."""

    model = Attempt
    fields = ("number", "outcome", "worker", "started_at", "duration", "error_class", "error_message", "rows")
    readonly_fields = ("duration",)


class EventInline(ReadOnlyInline):
    """The timeline of a job."""

    model = Event
    fields = ("at", "name", "actor", "details")
    verbose_name_plural = "timeline"
    show_change_link = False


class ArtifactInline(ReadOnlyInline):
    """The files of a job."""

    model = Artifact
    fields = ("role", "filename", "row_count", "size_bytes", "sha256", "published_at", "expires_at", "deleted_at")


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """All jobs, newest first."""

    list_display = ("id", "kind", "queue", "owner", "state", "attempt_count", "progress_percent", "created_at")
    list_filter = ("state", "kind", "queue")
    list_select_related = ("owner",)
    search_fields = ("=id", "owner__username")
    ordering = ("-id",)
    inlines = (EventInline, AttemptInline, ArtifactInline)
    exclude = ("payload", "result")
    readonly_fields = ("payload_json", "result_json")

    @admin.display(description="Payload")
    def payload_json(self, job: Job) -> SafeString:
        """The payload, indented."""
        return _formatted(job.payload)

    @admin.display(description="Result")
    def result_json(self, job: Job) -> SafeString:
        """The result, indented."""
        return _formatted(job.result)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """All attempts, with their tracebacks."""

    list_display = ("job", "number", "outcome", "worker", "started_at", "duration", "error_class", "error_fingerprint")
    list_filter = ("outcome",)
    search_fields = ("=job__id", "worker", "=error_fingerprint")
    ordering = ("-id",)
    exclude = ("traceback",)
    readonly_fields = ("formatted_traceback",)

    @admin.display(description="Traceback")
    def formatted_traceback(self, attempt: Attempt) -> SafeString:
        """The traceback with its line breaks."""
        return format_html("<pre>{}</pre>", attempt.traceback)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the job, whose kind is part of its name."""
        return super().get_queryset(request).select_related("job")


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    """All files."""

    list_display = ("job_id", "role", "filename", "row_count", "size_bytes", "published_at", "expires_at", "deleted_at")
    list_filter = ("role",)
    search_fields = ("=job__id", "filename")
    ordering = ("-id",)


def _formatted(value: Any) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
