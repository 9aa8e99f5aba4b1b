"""The page of a user's own tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from jobs.models.token import ApiToken
from jobs.pages.posting import post_only_from
from jobs.tokens.bodies import DEFAULT_DAYS
from jobs.tokens.issuing import TooManyTokensError, issue_own_token, revoke_own_token
from jobs.tokens.scopes import known_scopes
from jobs.tokens.views import as_uuid


class TokenForm(forms.Form):
    """The form for a new token."""

    name = forms.CharField(max_length=100, label=_("Name"), help_text=_("What it is for, such as “nightly export”."))
    days = forms.IntegerField(
        min_value=1, max_value=settings.TOKEN_MAX_DAYS, initial=DEFAULT_DAYS, label=_("Days until it expires")
    )
    scopes = forms.MultipleChoiceField(
        choices=lambda: list(known_scopes().items()), widget=forms.CheckboxSelectMultiple, label=_("Scopes")
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def token_list(request: HttpRequest) -> HttpResponse:
    """My tokens, and a form for a new one, whose text is shown only once."""
    if request.method != "POST":
        return _page(request, TokenForm())
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        with transaction.atomic():  # if its text cannot be shown, the token is not created
            token, text = issue_own_token(request.user, **form.cleaned_data)  # type: ignore[arg-type]
            return _page(request, TokenForm(), made=token, text=text)
    except TooManyTokensError as error:
        text = ngettext(
            "You have %(count)d token, which is the maximum. Revoke it first.",
            "You have %(count)d tokens, which is the maximum. Revoke one first.",
            error.at_most,
        )
        return _page(request, form, status=409, refusal=text % {"count": error.at_most})


@post_only_from("token-list")
def token_revoke(request: HttpRequest, token_id: str) -> HttpResponse:
    """Revoke a token at once."""
    if not revoke_own_token(request.user, as_uuid(token_id)):  # type: ignore[arg-type]
        raise Http404
    return redirect("token-list")


def _page(request: HttpRequest, form: TokenForm, *, status: int = 200, **shown: Any) -> HttpResponse:
    tokens = ApiToken.objects.filter(user=request.user.pk)
    return render(request, "tokens/list.html", {"form": form, "tokens": tokens, **shown}, status=status)
