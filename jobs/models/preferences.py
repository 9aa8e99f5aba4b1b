"""The table of what users have chosen for their pages and mails."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class NumberFormat(models.TextChoices):
    """How numbers are grouped and which decimal separator they have."""

    COMMA_POINT = "1,234.5", "1,234.5"
    POINT_COMMA = "1.234,5", "1.234,5"
    SPACE_COMMA = "1 234,5", "1 234,5"


class Preferences(models.Model):
    """The choices of a user. A user without a row has the defaults of its fields.

    Mail is sent to the address of the account, if it has one and the server can send mail.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="preferences"
    )
    language = models.CharField(
        _("language"), max_length=10, blank=True, choices=settings.LANGUAGES, help_text="empty: that of the browser"
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, help_text="a name of IANA's database; empty: that of the browser"
    )
    number_format = models.CharField(
        _("number format"), max_length=10, choices=NumberFormat, default=NumberFormat.COMMA_POINT
    )
    mail_complete = models.BooleanField(_("when a report or an upload is complete"), default=False)
    mail_failed = models.BooleanField(_("when a report or an upload has failed"), default=True)
    mail_schedule_paused = models.BooleanField(_("when a schedule was paused after failures"), default=True)
    mail_expiring = models.BooleanField(_("a day before a file that I have not downloaded expires"), default=False)

    class Meta:
        default_permissions = ("view",)
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"
