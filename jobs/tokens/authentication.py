"""Authentication by bearer token (RFC 6750), with a single query."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models.functions import Now
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from rest_framework.exceptions import AuthenticationFailed

from jobs.models.token import ApiToken
from jobs.postgres.statements import columns_of, fetch_all, instance_of

#: `last_used_at` is updated at most this often.
USE_NOTED_EVERY: Final = timedelta(minutes=1)

#: Every request starts with this query. The ORM, which builds it each time, took a third of the time of a status
#: request. {token} and {user} are lists of columns.
STILL_VALID: Final = """
    SELECT {token}, {user},
        coalesce(token.last_used_at > statement_timestamp() - %(noted_every)s::interval, false) AS is_noted
    FROM jobs_apitoken AS token JOIN {users} AS account ON account.{key} = token.user_id
    WHERE token.digest = %(digest)s::text AND (token.expiry IS NULL OR token.expiry > statement_timestamp())
"""
#: Prefix of the user's columns in the result.
USERS: Final = "user "


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """Finds a token by its full hash, in one query. Knox's own method also reads all other tokens of the user."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ApiToken]:
        """The user and the token. Raises AuthenticationFailed if it is unknown or expired, or its user is inactive."""
        try:
            digest = hash_token(token.decode("ascii"))
        except UnicodeDecodeError:
            raise AuthenticationFailed("The token is not valid.") from None
        for row in fetch_all(_still_valid(), digest=digest, noted_every=USE_NOTED_EVERY):
            found, user = instance_of(ApiToken, row), instance_of(get_user_model(), row, prefix=USERS)
            if user.is_active:
                found.user = user
                if not row["is_noted"]:
                    ApiToken.objects.filter(pk=found.pk).update(last_used_at=Now())
                return user, found
        raise AuthenticationFailed("The token is not valid.")


@cache
def _still_valid() -> str:
    """STILL_VALID for the configured user model."""
    model, quote = get_user_model(), connection.ops.quote_name
    token, user = columns_of(ApiToken, "token"), columns_of(model, "account", prefix=USERS)
    return STILL_VALID.format(
        token=token, user=user, users=quote(model._meta.db_table), key=quote(str(model._meta.pk.column))
    )
