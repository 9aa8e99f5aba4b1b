"""The pages about a user's own account: preferences and password."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from jobs.localization import time_zones
from jobs.mailing.topics import mail_is_on
from jobs.models import Preferences
from jobs.pages.signed_in import PageRequest

#: Areas of IANA's database that are places. The others are abbreviations, offsets and old names.
AREAS: Final = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip
MAIL_FIELDS: Final = ("mail_complete", "mail_failed", "mail_schedule_paused", "mail_expiring")


def _time_zone_choices() -> Iterator[tuple[Any, Any]]:
    yield "", _("That of my browser")
    yield "UTC", "UTC"
    names = sorted(name for name in time_zones() if name.partition("/")[0] in AREAS and "/" in name)
    for area, zones in groupby(names, key=lambda name: name.partition("/")[0]):
        yield area, [(name, name.partition("/")[2].replace("_", " ").replace("/", ", ")) for name in zones]


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """The choices of a user."""

    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("That of my browser")), *settings.LANGUAGES],
        widget=forms.RadioSelect,
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), required=False, choices=_time_zone_choices, widget=forms.Select({"translate": "no"})
    )

    class Meta:
        model = Preferences
        fields = ("language", "time_zone", "number_format", *MAIL_FIELDS)
        labels = {"number_format": _("Numbers")}
        widgets = {"number_format": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not mail_is_on():  # what was chosen before stays
            for name in MAIL_FIELDS:
                del self.fields[name]

    @property
    def mail_fields(self) -> list[forms.BoundField]:
        """The checkboxes of the group about mail; none if the server sends no mail."""
        return [self[name] for name in MAIL_FIELDS if name in self.fields]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def preferences(request: PageRequest) -> HttpResponse:
    """Language, time zone, number format and mail of the user."""
    form = PreferencesForm(request.POST or None, instance=request.preferences)
    if not form.is_valid():
        shown = {"form": form, "now": timezone.now()}
        return render(request, "account/preferences.html", shown, status=422 if form.is_bound else 200)
    chosen = form.save()
    with translation.override(chosen.language or translation.get_language()):
        messages.success(request, _("Your preferences have been saved."))
    return redirect("preferences")


class ChangePassword(PasswordChangeView):
    """Django's view. All other sessions of the user end."""

    template_name = "account/password.html"
    success_url = reverse_lazy("preferences")

    def form_valid(self, form: Any) -> HttpResponse:
        """Tell the user on the page that follows."""
        response = super().form_valid(form)
        messages.success(self.request, _("Your password has been changed. Your other sessions have ended."))
        return response


change_password = login_required(never_cache(ChangePassword.as_view()))
