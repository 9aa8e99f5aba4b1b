"""All paths. No trailing slashes but in the admin."""

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
]

handler400 = "jobs.http.fallbacks.bad_request"
handler403 = "jobs.http.fallbacks.permission_denied"
handler404 = "jobs.http.fallbacks.not_found"
handler500 = "jobs.http.fallbacks.server_error"
