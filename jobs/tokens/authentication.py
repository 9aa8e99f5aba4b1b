"""Who sends a bearer token (RFC 6750), by one look into the table."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db.models import Q
from django.db.models.functions import Now
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from rest_framework.exceptions import AuthenticationFailed

from jobs.tokens.models import ApiToken

#: `last_used_at` is written at most so often.
USE_NOTED_EVERY: Final = timedelta(minutes=1)


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """As knox's, but by the hash of the whole token: knox also reads all other tokens of the user each time."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ApiToken]:
        """The user and the token. Raises AuthenticationFailed: it is unknown or over, or its user is not active."""
        try:
            digest = hash_token(token.decode("ascii"))
        except UnicodeDecodeError:
            raise AuthenticationFailed("The token is not valid.") from None
        valid = Q(expiry=None) | Q(expiry__gt=Now())
        recently = Q(last_used_at__gt=Now() - USE_NOTED_EVERY)
        tokens = ApiToken.objects.filter(valid, digest=digest, user__is_active=True)
        found = tokens.select_related("user").annotate(is_noted=recently).first()
        if found is None:
            raise AuthenticationFailed("The token is not valid.")
        if not found.is_noted:
            ApiToken.objects.filter(pk=found.pk).update(last_used_at=Now())
        return found.user, found
