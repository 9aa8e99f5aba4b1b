"""The admin's look and menu (django-unfold, https://unfoldadmin.com/docs/configuration/settings/), and its CSP.

Unfold uses Alpine, which compiles expressions in the page, and its theme sets inline styles. No other page may do so.
"""

from collections.abc import Callable
from typing import Any, Final

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase
from django.templatetags.static import static
from django.urls import reverse_lazy

#: Directives that differ on pages of the admin. Inline scripts stay forbidden.
ADMIN_POLICY: Final = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


def guard_admin(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that gives pages of the admin the policy above, because django-csp's decorator cannot wrap a site.

    It must run inside django-csp's. It answers 400 to a URL with a NUL, which PostgreSQL cannot compare with anything.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/admin/"):
            return get_response(request)
        if "\0" in request.path_info or "%00" in request.META["QUERY_STRING"]:
            raise BadRequest("The URL contains a NUL character.")
        response = get_response(request)
        response._csp_replace = ADMIN_POLICY  # type: ignore[attr-defined]
        return response

    return middleware


def if_permitted(permission: str) -> Callable[[HttpRequest], bool]:
    """Show a menu item only to users who have this permission."""
    return lambda request: bool(request.user.has_perm(permission))


def item(title: str, icon: str, model: str) -> dict[str, Any]:
    """A menu item for the list of `model`, which is `app.model`."""
    app, name = model.split(".")
    link = reverse_lazy(f"admin:{app}_{name}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": if_permitted(f"{app}.view_{name}")}


UNFOLD: Final[dict[str, Any]] = {
    "SITE_TITLE": "Longhaul",
    "SITE_HEADER": "Longhaul",
    "SITE_SYMBOL": "local_shipping",
    "SITE_URL": "/reports",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("longhaul/icon.svg")}],
    "SHOW_HISTORY": False,
    "DASHBOARD_CALLBACK": "jobs.admin.dashboard.dashboard",
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("longhaul/admin.css")],
    "SCRIPTS": [lambda request: static("longhaul/longhaul.js"), lambda request: static("longhaul/admin.js")],
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 245)",
            "100": "oklch(93% .032 245)",
            "200": "oklch(88% .059 245)",
            "300": "oklch(81% .105 245)",
            "400": "oklch(71% .145 245)",
            "500": "oklch(60% .14 245)",
            "600": "oklch(49% .115 245)",
            "700": "oklch(44% .1 245)",
            "800": "oklch(38% .085 245)",
            "900": "oklch(33% .07 245)",
            "950": "oklch(25% .05 245)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": "Jobs",
                "items": [
                    {"title": "Operations", "icon": "monitoring", "link": reverse_lazy("admin:index")},
                    item("Jobs", "work", "jobs.job"),
                    {
                        "title": "Failure groups",
                        "icon": "stacks",
                        "link": reverse_lazy("admin:jobs_job_groups"),
                        "permission": if_permitted("jobs.view_job"),
                    },
                    item("Bulk runs", "playlist_play", "jobs.bulkrun"),
                    item("Users' schedules", "event_repeat", "jobs.schedule"),
                    item("Runs of schedules", "event_available", "jobs.schedulerun"),
                    item("Resumable uploads", "upload_file", "uploads.resumableupload"),
                    item("Share links", "share", "jobs.sharelink"),
                    item("Attempts", "replay", "jobs.attempt"),
                    item("Files", "draft", "jobs.artifact"),
                    item("Audit trail", "history", "jobs.auditentry"),
                ],
            },
            {
                "title": "Service",
                "items": [
                    item("Queues", "tune", "jobs.queue"),
                    item("Dials of types", "instant_mix", "jobs.typedials"),
                    item("Failing receivers", "link_off", "jobs.callbackhost"),
                    item("Disabled endpoints", "block", "jobs.callbackendpoint"),
                    item("Sweeps", "cleaning_services", "jobs.sweep"),
                    item("Beat's schedules", "schedule", "django_celery_beat.periodictask"),
                    item("Celery results", "receipt_long", "django_celery_results.taskresult"),
                ],
            },
            {
                "title": "Accounts",
                "items": [
                    item("Users", "person", "auth.user"),
                    item("Groups", "group", "auth.group"),
                    item("Tokens", "key", "jobs.apitoken"),
                    item("Preferences", "settings_account_box", "jobs.preferences"),
                    item("Saved orders", "bookmark", "jobs.savedorder"),
                    item("Matched headings", "table_chart", "uploads.rememberedheading"),
                    item("Failed sign-ins", "lock", "axes.accessattempt"),
                ],
            },
        ],
    },
}
