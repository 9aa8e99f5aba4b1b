"""All paths. Only the admin's end with a slash."""

from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from jobs.admin.sign_in import admin_login

urlpatterns = [
    path("admin/login/", admin_login),
    path("admin/", admin.site.urls),
    path("", include("jobs.api.urls")),
    path("", include("jobs.tokens.urls")),
    path("", include("jobs.pages.urls")),
    path("", include("reports.api.urls")),
    path("", include("reports.pages.urls")),
    path("", include("uploads.resumable.urls")),  # before the paths with an id
    path("", include("uploads.api.urls")),
    path("", include("uploads.pages.urls")),
    path("", include("calls.api.urls")),
    path("", include("calls.pages.urls")),
    # An app that adds a kind may have paths of its own.
    *(path("", include(f"{app}.urls")) for app in settings.EXTRA_APPS if find_spec(f"{app}.urls")),
]

handler400 = "jobs.http.fallbacks.bad_request"
handler403 = "jobs.http.fallbacks.permission_denied"
handler404 = "jobs.http.fallbacks.not_found"
handler500 = "jobs.http.fallbacks.server_error"
