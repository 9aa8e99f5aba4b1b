"""The admin pages of uploads that their jobs do not show: files that still arrive, and headings that were matched.

What staff do is in `uploads.resumable.removing`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from jobs.models import Job
from jobs.outbound.urls import host_of
from jobs.payloads.masked import masked
from jobs.staff_pages import (
    DropdownFilter,
    FactsAdmin,
    JobLink,
    OwnerFilter,
    ReadOnlyAdmin,
    RowAction,
    Table,
    confirm_rows,
    display,
    formatted,
    link_to,
    owner_with_lists,
    register_job_links,
    register_permissions,
)
from uploads.models import RememberedHeading, ResumableUpload, UploadPart
from uploads.ordering import KIND
from uploads.resumable.removing import delete_uploads

#: An unfinished upload that got no bytes for this long is stuck.
STUCK_AFTER: Final = timedelta(hours=1)
#: Parts that the page of an upload shows.
MOST_PARTS: Final = 50
#: State → color of its label.
COLORS: Final = {
    "arriving": "info",
    "stuck": "warning",
    "becoming an upload": "info",
    "has become an upload": "success",
    "expired": "",
}
DELETE: Final = RowAction(
    "Delete",
    "deleted",
    "The bytes that have arrived are deleted at once. The client that sends the file is told that the upload is gone, "
    "and its owner has to send the whole file again. Uploads that have become jobs are refused.",
    ("id", "owner", "filename", "state_label", "offset_bytes", "length_bytes"),
    delete_uploads,
)

register_permissions(
    viewer=("uploads.view_rememberedheading", "uploads.view_resumableupload"),
    operator=("uploads.delete_resumableupload",),
)


class ResumableStateFilter(DropdownFilter):
    """By how far an upload is."""

    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("unfinished", "unfinished"), ("stuck", "stuck"), ("done", "has become an upload")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "unfinished":
                return queryset.filter(job_id=None)
            case "stuck":
                return queryset.filter(stuck())
            case "done":
                return queryset.exclude(job_id=None)
        return queryset


def stuck() -> Q:
    """Unfinished uploads that got no bytes for STUCK_AFTER. Each part moves `expires_at` on."""
    return Q(job_id=None, expires_at__lt=Now() + timedelta(hours=settings.RESUMABLE_UPLOAD_HOURS) - STUCK_AFTER)


def last_bytes_at(upload: ResumableUpload) -> datetime:
    """When the last bytes arrived, by the current RESUMABLE_UPLOAD_HOURS, or when it began."""
    return max(upload.created_at, upload.expires_at - timedelta(hours=settings.RESUMABLE_UPLOAD_HOURS))


@admin.register(ResumableUpload)
class ResumableUploadAdmin(FactsAdmin):
    """Files that arrive in several requests, newest first, and what they hold in storage."""

    list_display = (
        "id", "state_label", "owner", "filename", "upload_type", "stored", "last_bytes", "expires_at", "job_link",
    )  # fmt: skip
    list_select_related = ("owner",)
    list_filter = (ResumableStateFilter, OwnerFilter)
    list_before_template = "admin/uploads/held_bytes.html"
    id_fields = ("pk", "job_id")
    open_lookups = ("job_id",)
    text_fields = ("order__uploadType", "filename")
    search_help_text = "The ID of an upload or of its job, an owner's name, an upload type, or a file name"
    target_type = "resumable upload"
    colors: ClassVar = COLORS
    ordering = ("-id",)
    actions = ("delete_uploads",)

    @display(description="State", label=COLORS)
    def state_label(self, upload: ResumableUpload) -> str:
        return self.state_of(upload)

    @admin.display(description="Upload type")
    def upload_type(self, upload: ResumableUpload) -> str:
        return str(upload.order.get("uploadType", ""))

    @admin.display(description="Bytes")
    def stored(self, upload: ResumableUpload) -> str:
        return f"{upload.offset_bytes:,} of {upload.length_bytes:,}"

    @admin.display(description="Last bytes")
    def last_bytes(self, upload: ResumableUpload) -> datetime:
        return last_bytes_at(upload)

    @admin.display(description="Job")
    def job_link(self, upload: ResumableUpload) -> object:
        url = reverse("admin:jobs_job_change", args=[upload.job_id]) if upload.job_id else ""
        return format_html('<a class="lh-link" href="{}">{}</a>', url, upload.job_id) if url else ""

    @admin.action(description="Delete with its bytes…", permissions=["remove"])
    def delete_uploads(self, request: HttpRequest, uploads: QuerySet[ResumableUpload]) -> HttpResponse | None:
        return confirm_rows(self, request, uploads, DELETE, "delete_uploads")

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("uploads.delete_resumableupload"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the owners, also for one upload. Not with what the client sent about the file, which nothing shows."""
        return super().get_queryset(request).select_related("owner").defer("metadata")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Above the list stands how many bytes all unfinished uploads hold. The table is small: its rows expire."""
        held = ResumableUpload.objects.filter(job_id=None).aggregate(
            uploads=Count("pk"),
            bytes=Sum("offset_bytes", default=0),
            stuck_uploads=Count("pk", filter=stuck()),
            stuck_bytes=Sum("offset_bytes", filter=stuck(), default=0),
        )
        return super().changelist_view(request, {**(extra_context or {}), "held": held})

    def heading(self, upload: ResumableUpload) -> str:
        return upload.filename or f"Resumable upload {upload.pk}"

    def state_of(self, upload: ResumableUpload) -> str:
        now = timezone.now()
        if upload.job_id:
            return "has become an upload"
        if upload.expires_at < now:
            return "expired"
        if upload.finishing_until and upload.finishing_until > now:
            return "becoming an upload"
        return "stuck" if last_bytes_at(upload) < now - STUCK_AFTER else "arriving"

    def explanation(self, upload: ResumableUpload) -> str:
        match self.state_of(upload):
            case "stuck":
                return (
                    "No bytes have arrived for more than an hour. Its client can still go on with it until it expires; "
                    "then it is deleted."
                )
            case "becoming an upload":
                return "All bytes have arrived. They are being put together, and then the upload is ordered."
            case "has become an upload":
                return "Its bytes belong to the job. This row is deleted when it expires."
            case "expired":
                return "A sweep deletes it within a few minutes."
        return ""

    def facts(self, request: HttpRequest, upload: ResumableUpload) -> Iterable[tuple[str, object]]:
        return [
            ("ID", upload.pk),
            ("Owner", owner_with_lists(request, upload.owner)),
            ("Upload type", self.upload_type(upload)),
            ("Bytes", self.stored(upload)),
            ("Begun", upload.created_at),
            ("Last bytes", last_bytes_at(upload)),
            ("Expires", upload.expires_at),
            ("Job", link_to(request, Job, upload.job_id)),
        ]

    def tables(self, request: HttpRequest, upload: ResumableUpload) -> Iterable[Table]:
        parts = UploadPart.objects.filter(upload=upload).order_by("-first_byte")[:MOST_PARTS]
        rows: list[tuple[object, ...]] = [
            (f"{part.first_byte:,}", f"{part.size_bytes:,}", part.storage_name) for part in parts
        ]
        headings = ("First byte", "Bytes", "Name in storage")
        return [Table("Stored parts, the last ones first", headings, rows, "It holds no bytes.")]

    def texts(self, upload: ResumableUpload) -> Iterable[tuple[str, str]]:
        order = {**upload.order}
        if url := order.pop("callbackURL", ""):
            order["callbackHost"] = host_of(url)
        return [("Order", formatted(masked(KIND, order)))]

    def possible_actions(self, upload: ResumableUpload) -> Collection[str]:
        return () if upload.job_id else ("delete_uploads",)


@admin.register(RememberedHeading)
class RememberedHeadingAdmin(ReadOnlyAdmin):
    """Which heading of a user's files stands for which column, as the user has matched them."""

    list_display = ("owner", "upload_type", "heading", "column")
    list_select_related = ("owner",)
    list_filter = (OwnerFilter,)
    list_filter_submit = True
    owner_path = "owner"
    open_lookups = ("upload_type",)
    search_fields = ("owner__username", "upload_type")
    search_help_text = "An owner's name or an upload type"
    ordering = ("-id",)


def resumable_of(job: Job) -> Iterable[JobLink]:
    """The file of an upload that arrived in several requests."""
    if job.kind == KIND:
        for upload in ResumableUpload.objects.filter(job_id=job.pk).defer("order", "metadata"):
            yield JobLink("Arrived as", ResumableUpload, upload.pk, "resumable upload")


register_job_links(resumable_of)
