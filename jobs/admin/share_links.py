"""Share links: who shared which file, and how to end a link. The address of a link is never shown."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from jobs.admin.facts import FactsAdmin
from jobs.admin.owners import OwnerFilter, owner_with_lists
from jobs.admin.row_actions import RowAction, confirm_rows
from jobs.admin.showing import link_to
from jobs.models import Job, ShareLink
from jobs.models.artifact import PUBLISHED_RESULT
from jobs.models.share_link import LIVE
from jobs.sharing.links import revoke_links

#: State → color of its label.
COLORS: Final = {"live": "success", "expired": "", "revoked": ""}
REVOKE: Final = RowAction(
    "Revoke",
    "revoked",
    "Whoever has the address can no longer download the file. Downloads that have begun continue. The owner can create "
    "new links.",
    ("id", "state_label", "owner", "job_id", "use_count"),
    revoke_links,
)


class ShareStateFilter(DropdownFilter):
    """By whether a link still works."""

    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in COLORS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "live":
                return queryset.filter(LIVE)
            case "revoked":
                return queryset.exclude(revoked_at=None)
            case "expired":
                return queryset.filter(revoked_at=None).exclude(LIVE)
        return queryset


@admin.register(ShareLink)
class ShareLinkAdmin(FactsAdmin):
    """All links, newest first."""

    list_display = ("id", "state_label", "owner", "job_link", "created_at", "expires_at", "use_count", "last_used_at")
    list_select_related = ("job__owner", "created_by")
    list_filter = (ShareStateFilter, OwnerFilter)
    owner_path = "job__owner"
    id_fields = ("pk", "job")
    open_lookups = ("job",)
    search_help_text = "The ID of a link or of a job, or an owner's name"
    target_type = "share link"
    colors: ClassVar = COLORS
    ordering = ("-id",)
    actions = ("revoke_links",)

    @display(description="State", label=COLORS)
    def state_label(self, link: ShareLink) -> str:
        return self.state_of(link)

    @admin.display(description="Owner")
    def owner(self, link: ShareLink) -> str:
        return link.job.owner.get_username() if link.job.owner else ""

    @admin.display(description="Job")
    def job_link(self, link: ShareLink) -> SafeString:
        url = reverse("admin:jobs_job_change", args=[link.job_id])
        return format_html('<a class="lh-link" href="{}">{} {}</a>', url, link.job.kind, link.job.type)

    @admin.action(description="Revoke…", permissions=["revoke"])
    def revoke_links(self, request: HttpRequest, links: QuerySet[ShareLink]) -> HttpResponse | None:
        return confirm_rows(self, request, links, REVOKE, "revoke_links")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("jobs.revoke_sharelink"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the jobs and their owners, also for one link."""
        return super().get_queryset(request).select_related(*self.list_select_related)

    def heading(self, link: ShareLink) -> str:
        return f"Share link {link.pk}"

    def state_of(self, link: ShareLink) -> str:
        if link.revoked_at:
            return "revoked"
        return "live" if link.expires_at > timezone.now() else "expired"

    def explanation(self, link: ShareLink) -> str:
        if self.state_of(link) != "live":
            return ""
        if not settings.SHARE_LINKS:
            return "It does not work while SHARE_LINKS is off."
        if link.job.owner is None or not link.job.owner.is_active:
            return "It does not work while the account of the owner is deactivated."
        return "Whoever has its address can download the file without signing in."

    def facts(self, request: HttpRequest, link: ShareLink) -> Iterable[tuple[str, object]]:
        file = link.job.artifacts.filter(PUBLISHED_RESULT).first()
        others = format_html('<a href="{}?job={}">show</a>', reverse("admin:jobs_sharelink_changelist"), link.job_id)
        return [
            ("Owner", owner_with_lists(request, link.job.owner)),
            ("Created by", link.created_by),
            ("Job", link_to(request, Job, link.job_id, f"{link.job} {link.job.type}".strip())),
            ("File", f"{file.filename}, {file.size_bytes:,} bytes" if file else "The file is gone."),
            ("All links of the job", others),
            ("Created", link.created_at),
            ("Ends", link.expires_at),
            ("Revoked", link.revoked_at),
            ("Downloads", link.use_count),
            ("Last download", link.last_used_at),
        ]

    def possible_actions(self, link: ShareLink) -> Collection[str]:
        return ("revoke_links",) if self.state_of(link) == "live" else ()
