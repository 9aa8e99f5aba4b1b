"""Request and response bodies of the token API."""

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
    """A request for a new token."""

    # `context["token"]` is the token of the request; None in a session.
    name = StrictCharField(
        max_length=100,
        trim_whitespace=False,
        validators=[RegexValidator("[^\\s\\x00-\\x1f\\x7f-\\xa0]", "It must not be blank.")],
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[]), min_length=1, max_length=100, help_text="what the token may do"
    )
    expiresInDays = StrictIntegerField(
        default=DEFAULT_DAYS,
        min_value=1,
        max_value=settings.TOKEN_MAX_DAYS,
        help_text="days until the token expires; not later than your own token, which also limits the default",
    )

    def get_fields(self) -> dict[str, Any]:
        """The choices of scopes come from the installed apps."""
        fields: dict[str, Any] = super().get_fields()
        fields["scopes"].child.choices = list(known_scopes())
        return fields

    def validate_scopes(self, scopes: list[str]) -> list[str]:
        """Only scopes that the user or token of the request has."""
        mine = grantable(self.context["token"])
        if lacking := next((scope for scope in scopes if scope not in mine), None):
            raise serializers.ValidationError(f"Your own token lacks the scope {lacking}.")
        return sorted(set(scopes))

    def validate(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Refuse an explicit expiry later than the issuing token's; `issue_token` shortens a default one."""
        issuer: ApiToken | None = self.context["token"]
        ends = issuer and issuer.expiry
        if ends and "expiresInDays" in self.initial_data and timezone.now() + timedelta(wanted["expiresInDays"]) > ends:
            refusal = f"Your own token expires at {ends:%Y-%m-%dT%H:%M:%SZ}."
            advice = "Omit this to let the new token expire together with yours."
            raise serializers.ValidationError({"expiresInDays": [f"{refusal} {advice}"]})
        return wanted


class TokenBody(serializers.Serializer[Any]):
    """A token without its text."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    prefix = serializers.CharField(help_text="the first characters of its text")
    scopes = serializers.ListField(child=serializers.CharField())
    createdAt = serializers.DateTimeField()
    expiresAt = serializers.DateTimeField(allow_null=True)
    lastUsedAt = serializers.DateTimeField(allow_null=True, help_text="accurate to the minute")
    issuedBy = serializers.UUIDField(allow_null=True, help_text="the token that created it, and is revoked with it")
    isCurrent = serializers.BooleanField(help_text="whether this request was made with it")
    url = serializers.CharField()


class NewToken(TokenBody):
    """A new token with its text."""

    token = serializers.CharField(help_text="its text, which is shown only once")


class TokenList(serializers.Serializer[Any]):
    """All tokens of the user, newest first."""

    results = TokenBody(many=True)


def token_body(token: ApiToken, *, current: ApiToken | None) -> dict[str, Any]:
    """A TokenBody."""
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
