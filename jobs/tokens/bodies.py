"""Bodies of the token API."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from rest_framework import serializers

from jobs.api.strict import StrictSerializer
from jobs.tokens.models import ApiToken
from jobs.tokens.scopes import grantable, known_scopes

DEFAULT_DAYS = 90


class TokenOrder(StrictSerializer):
    """The body of `POST /api/tokens`. `context["token"]` is the token that asks; None is a session."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=50), allow_empty=False, help_text="what it may do"
    )
    expiresInDays = serializers.IntegerField(
        default=DEFAULT_DAYS, min_value=1, max_value=settings.TOKEN_MAX_DAYS, help_text="days until it ends"
    )

    def validate_scopes(self, scopes: list[str]) -> list[str]:
        """Those that there are, and that who asks has."""
        known, mine = known_scopes(), grantable(self.context["token"])
        for scope in scopes:
            if scope not in known:
                raise serializers.ValidationError(f"There is no scope {scope}. Valid ones are: {', '.join(known)}.")
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
