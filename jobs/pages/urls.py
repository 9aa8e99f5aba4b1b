"""Paths of the pages that belong to no kind."""

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import path
from django.views.decorators.http import require_safe

from jobs.pages import home_pages, tokens


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """Browsers request this path for pages that name no icon, such as the admin's."""
    return redirect(static("longhaul/icon.svg"))


sign_in = LoginView.as_view(template_name="registration/sign_in.html", redirect_authenticated_user=True)

urlpatterns = [
    path("", home_pages.home, name="home"),
    path("home/live", home_pages.home_live, name="home-live"),
    path("search", home_pages.search, name="search"),
    path("sign-in", sign_in, name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("favicon.ico", icon, name="icon"),
    path("tokens", tokens.token_list, name="token-list"),
    path("tokens/<str:token_id>/revoke", tokens.token_revoke, name="token-revoke"),
]
