"""Paths of the pages that belong to no kind."""

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import path
from django.views.decorators.http import require_safe
from django.views.i18n import set_language

from jobs.pages import accounts, offline, shared, tokens


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """Browsers request this path for pages that name no icon, such as the admin's."""
    return redirect(static("longhaul/icon.svg"))


sign_in = LoginView.as_view(template_name="registration/sign_in.html", redirect_authenticated_user=True)

urlpatterns = [
    path("sign-in", sign_in, name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("language", set_language, name="set-language"),
    path("preferences", accounts.preferences, name="preferences"),
    path("preferences/password", accounts.change_password, name="change-password"),
    path("offline", offline.offline, name="offline"),
    path("service-worker.js", offline.service_worker, name="service-worker"),
    path("favicon.ico", icon, name="icon"),
    path("shared/<str:token>", shared.shared_file, name="shared"),
    path("shared/<str:token>/download", shared.shared_download, name="shared-download"),
    path("tokens", tokens.token_list, name="token-list"),
    path("tokens/<str:token_id>/revoke", tokens.token_revoke, name="token-revoke"),
]
