"""Paths of the pages that belong to no kind."""

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import path
from django.views.decorators.http import require_safe
from django.views.i18n import set_language

from jobs.mailing.topics import mail_is_on
from jobs.pages import accounts, home_pages, mail_stop, offline, password_reset, shared, tokens
from jobs.pages.schedules import form_views as forms
from jobs.pages.schedules import views as schedules


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """Browsers request this path for pages that name no icon, such as the admin's."""
    return redirect(static("longhaul/icon.ico"))


sign_in = LoginView.as_view(
    template_name="registration/sign_in.html",
    redirect_authenticated_user=True,
    extra_context={"mail_is_on": mail_is_on},  # called by the template
)

urlpatterns = [
    path("", home_pages.home, name="home"),
    path("home/live", home_pages.home_live, name="home-live"),
    path("search", home_pages.search, name="search"),
    path("sign-in", sign_in, name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("password/forgot", password_reset.ask_for_reset, name="password-reset"),
    path("password/forgot/sent", password_reset.reset_sent, name="password-reset-sent"),
    path("password/reset/<str:uidb64>/<str:token>", password_reset.choose_new_password, name="password-reset-confirm"),
    path("language", set_language, name="set-language"),
    path("preferences", accounts.preferences, name="preferences"),
    path("preferences/password", accounts.change_password, name="change-password"),
    path("offline", offline.offline, name="offline"),
    path("service-worker.js", offline.service_worker, name="service-worker"),
    path("favicon.ico", icon, name="icon"),
    path("shared/<str:token>", shared.shared_file, name="shared"),
    path("shared/<str:token>/download", shared.shared_download, name="shared-download"),
    path("mail/stop/<str:token>", mail_stop.mail_stop, name="mail-stop"),
    path("tokens", tokens.token_list, name="token-list"),
    path("tokens/<str:token_id>/revoke", tokens.token_revoke, name="token-revoke"),
    path("schedules", schedules.list_schedules, name="schedule-list"),
    path("schedules/new", forms.new_schedule, name="schedule-new"),
    path("schedules/<str:schedule_id>", schedules.show_schedule_page, name="schedule-detail"),
    path("schedules/<str:schedule_id>/change", forms.edit_schedule, name="schedule-change"),
    path("schedules/<str:schedule_id>/run", schedules.run, name="schedule-run"),
    path("schedules/<str:schedule_id>/pause", schedules.pause, name="schedule-pause"),
    path("schedules/<str:schedule_id>/resume", schedules.resume, name="schedule-resume"),
    path("schedules/<str:schedule_id>/delete", schedules.delete, name="schedule-delete"),
]
