"""Bodies of the token API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers

from jobs.http.strict import StrictCharField, StrictIntegerField, StrictSerializer
from jobs.models.token import ApiToken
from jobs.tokens.scopes import grantable, known_scopes

DEFAULT_DAYS = 90


class TokenOrder(StrictSerializer):
    """What a new token is to be."""

    # `context["token"]` is the token that asks; None is a session.

    name = StrictCharField(
        max_length=100,
        trim_whitespace=False,
        validators=[RegexValidator("[^\\s\\x00-\\x1f\\x7f-\\xa0]", "It must not be blank.")],
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[]), min_length=1, max_length=100, help_text="what it may do"
    )
    expiresInDays = StrictIntegerField(
        default=DEFAULT_DAYS,
        min_value=1,
        max_value=settings.TOKEN_MAX_DAYS,
        help_text="days until it ends; a token that a token makes ends no later than that, also by default",
    )

    def get_fields(self) -> dict[str, Any]:
        """The scopes are those that the installed apps know."""
        fields: dict[str, Any] = super().get_fields()
        fields["scopes"].child.choices = list(known_scopes())
        return fields

    def validate_scopes(self, scopes: list[str]) -> list[str]:
        """Those that who asks has."""
        mine = grantable(self.context["token"])
        for scope in scopes:
            if scope not in mine:
                raise serializers.ValidationError(f"Your own token lacks the scope {scope}.")
        return sorted(set(scopes))

    def validate(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """No longer than the token lasts that asks, where the days are named; else they are cut to that."""
        issuer: ApiToken | None = self.context["token"]
        ends = issuer and issuer.expiry
        if ends and "expiresInDays" in self.initial_data and timezone.now() + timedelta(wanted["expiresInDays"]) > ends:
            complaint = (
                f"Your own token ends at {ends:%Y-%m-%dT%H:%M:%SZ}."
                " Omit this to let the new token expire together with yours."
            )
            raise serializers.ValidationError({"expiresInDays": [complaint]})
        return wanted


class TokenBody(serializers.Serializer[Any]):
    """A token, without its text."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    prefix = serializers.CharField(help_text="the first letters of its text")
    scopes = serializers.ListField(child=serializers.CharField())
    createdAt = serializers.DateTimeField()
    expiresAt = serializers.DateTimeField(allow_null=True)
    lastUsedAt = serializers.DateTimeField(allow_null=True, help_text="to the minute")
    issuedBy = serializers.UUIDField(allow_null=True, help_text="the token that made it, and with which it ends")
    isCurrent = serializers.BooleanField(help_text="whether this request came with it")
    url = serializers.CharField()


class NewToken(TokenBody):
    """A token that was made now."""

    token = serializers.CharField(help_text="its text: it is shown this once")


class TokenList(serializers.Serializer[Any]):
    """All of mine, newest first."""

    results = TokenBody(many=True)


def token_body(token: ApiToken, *, current: ApiToken | None) -> dict[str, Any]:
    """As TokenBody says."""
    return {
        "id": str(token.id),
        "name": token.name,
        "prefix": token.token_key[:8],
        "scopes": token.scopes,
        "createdAt": token.created,
        "expiresAt": token.expiry,
        "lastUsedAt": token.last_used_at,
        "issuedBy": token.issued_by_id and str(token.issued_by_id),
        "isCurrent": current is not None and current.pk == token.pk,
        "url": reverse("api-token", args=[token.id]),
    }
