"""The pages for those who have forgotten their password: Django's views, and mails that are jobs.

Nobody learns from them which accounts exist: each answer is the same, and takes the same time.
"""

from __future__ import annotations

import time
from typing import Any, Final

import structlog
from axes.utils import reset as remove_blocks
from django.contrib import messages
from django.contrib.auth import forms
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetDoneView, PasswordResetView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from jobs.errors import AdmissionError
from jobs.http.limits import count_request
from jobs.mailing.password_reset import mail_password_reset
from jobs.mailing.topics import mail_is_on

logger = structlog.get_logger(__name__)

#: Requests of one client address within an hour.
MOST_AN_HOUR: Final = 20
HOUR_SECONDS: Final = 3600
#: How long each answer takes. It is far more than the work for an account.
ANSWER_SECONDS: Final = 0.5


class AskForm(forms.PasswordResetForm):
    """Django's form, which finds the active accounts with an address and a password."""

    def save(self, **options: Any) -> None:  # type: ignore[override]
        """Queue a mail for each account. If the queue is full or closed, nothing is sent, and the log says so."""
        for user in self.get_users(self.cleaned_data["email"]):
            try:
                mail_password_reset(user, language=get_language())
            except AdmissionError as error:
                logger.warning("password_reset_not_mailed", user=user.pk, error=str(error))


class AskForReset(PasswordResetView):
    """Asks for the address of the account."""

    template_name = "account/forgot.html"
    form_class = AskForm
    success_url = reverse_lazy("password-reset-sent")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """404 if the server sends no mail."""
        if not mail_is_on():
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """429 for a client that asks too often. If Redis cannot count, everything is allowed."""
        client = f"password-reset:{request.META['REMOTE_ADDR']}"
        counted = count_request(client, quota=MOST_AN_HOUR, window_seconds=HOUR_SECONDS)
        if counted is None or counted.allowed:
            return super().post(request, *args, **kwargs)
        response = render(request, "account/too_many_resets.html", status=429)
        response["Retry-After"] = str(counted.limit.retry_after)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        """The answer, at the same time for all addresses."""
        begun = time.monotonic()
        response = super().form_valid(form)
        time.sleep(max(0.0, begun + ANSWER_SECONDS - time.monotonic()))
        return response


class ChooseNewPassword(PasswordResetConfirmView):
    """The page of the link. The password is chosen, all sessions of the user end, and sign-in is no longer blocked."""

    template_name = "account/reset.html"
    success_url = reverse_lazy("sign-in")

    def get_user(self, uidb64: str) -> User | None:
        """The account, if it is still active."""
        user = super().get_user(uidb64)
        return user if user is not None and user.is_active else None

    def form_valid(self, form: Any) -> HttpResponse:
        """Remove the blocks of failed sign-ins, too: the user has proved that they own the account's mailbox."""
        response = super().form_valid(form)
        remove_blocks(username=form.user.get_username())
        messages.success(self.request, _("Your password has been changed. Your other sessions have ended."))
        return response


ask_for_reset = never_cache(AskForReset.as_view())
reset_sent = never_cache(PasswordResetDoneView.as_view(template_name="account/forgot_sent.html"))
choose_new_password = ChooseNewPassword.as_view()
