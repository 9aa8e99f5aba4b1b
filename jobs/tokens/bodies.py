"""Bodies of the token API."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.urls import reverse
from rest_framework import serializers

from jobs.api.strict import StrictCharField, StrictIntegerField, StrictSerializer
from jobs.tokens.models import ApiToken
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
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=[]), min_length=1, help_text="what it may do")
    expiresInDays = StrictIntegerField(
        default=DEFAULT_DAYS, min_value=1, max_value=settings.TOKEN_MAX_DAYS, help_text="days until it ends"
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


class TokenBody(serializers.Serializer[Any]):
    """A token, without its text."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    prefix = serializers.CharField(help_text="the first letters of its text")
    scopes = serializers.ListField(child=serializers.CharField())
    createdAt = serializers.DateTimeField()
    expiresAt = serializers.DateTimeField(allow_null=True)
    lastUsedAt = serializers.DateTimeField(allow_null=True, help_text="to the minute")
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
        "isCurrent": current is not None and current.pk == token.pk,
        "url": reverse("api-token", args=[token.id]),
    }
