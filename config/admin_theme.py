"""The admin's look and its menu (django-unfold, https://unfoldadmin.com/docs/configuration/settings/).

Also what its pages may load: Alpine, which unfold is made with, compiles expressions in the page, and its theme
sets inline styles. Nothing outside of the admin may.
"""

from collections.abc import Callable
from typing import Any, Final

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase
from django.templatetags.static import static
from django.urls import reverse_lazy

#: What is allowed on pages of the admin beyond what all pages may do. Inline scripts are not.
ADMIN_POLICY: Final = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


def guard_admin(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, below that of django-csp: its decorator cannot be put around a whole site.

    Pages of the admin get the policy above; a URL of it with a NUL, which PostgreSQL takes in no comparison, is 400.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/admin/"):
            return get_response(request)
        if "\0" in request.path_info or "%00" in request.META["QUERY_STRING"]:
            raise BadRequest("A URL with a NUL.")
        response = get_response(request)
        response._csp_replace = ADMIN_POLICY  # type: ignore[attr-defined]
        return response

    return middleware


def allowed(permission: str) -> Callable[[HttpRequest], bool]:
    """Show a line of the menu to who has this permission."""
    return lambda request: bool(request.user.has_perm(permission))


def line(title: str, icon: str, model: str) -> dict[str, Any]:
    """A line of the menu: the list of a model, `app.model`."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": allowed(f"{app}.view_{name}"),
    }


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
    "SCRIPTS": [lambda request: static("longhaul/longhaul.js")],
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
                    line("Jobs", "work", "jobs.job"),
                    {
                        "title": "Failure groups",
                        "icon": "stacks",
                        "link": reverse_lazy("admin:jobs_job_groups"),
                        "permission": allowed("jobs.view_job"),
                    },
                    line("Bulk runs", "playlist_play", "jobs.bulkrun"),
                    line("Attempts", "replay", "jobs.attempt"),
                    line("Files", "draft", "jobs.artifact"),
                    line("Audit trail", "history", "jobs.auditentry"),
                ],
            },
            {
                "title": "Service",
                "items": [
                    line("Queues", "tune", "jobs.queue"),
                    line("Dials of types", "instant_mix", "jobs.typedials"),
                    line("Failing receivers", "link_off", "jobs.callbackhost"),
                    line("Disabled endpoints", "block", "jobs.callbackendpoint"),
                    line("Sweeps", "cleaning_services", "jobs.sweep"),
                    line("Schedules", "schedule", "django_celery_beat.periodictask"),
                    line("Celery results", "receipt_long", "django_celery_results.taskresult"),
                ],
            },
            {
                "title": "Accounts",
                "items": [
                    line("Users", "person", "auth.user"),
                    line("Groups", "group", "auth.group"),
                    line("Tokens", "key", "jobs.apitoken"),
                    line("Failed sign-ins", "lock", "axes.accessattempt"),
                ],
            },
        ],
    },
}
