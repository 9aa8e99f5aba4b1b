"""Authentication by bearer token (RFC 6750), with a single query, which also reads what the view wants `beside`."""

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
from rest_framework.request import Request

from jobs.models.token import ApiToken
from jobs.postgres.statements import columns_of, fetch_all, instance_of
from jobs.tokens.beside import Beside, beside_of

#: `last_used_at` is updated at most this often.
USE_NOTED_EVERY: Final = timedelta(minutes=1)

#: Every request starts with this query. The ORM, which builds it each time, took a third of the time of a status
#: request. {token}, {user} and {beside} are lists of columns.
STILL_VALID: Final = """
    SELECT {token}, {user},
        coalesce(token.last_used_at > statement_timestamp() - %(noted_every)s::interval, false) AS is_noted {beside}
    FROM jobs_apitoken AS token JOIN {users} AS account ON account.{key} = token.user_id {joins}
    WHERE token.digest = %(digest)s::text AND (token.expiry IS NULL OR token.expiry > statement_timestamp())
"""
#: Prefix of the user's columns in the result.
USERS: Final = "user "


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """Finds a token by its full hash, in one query. Knox's own method also reads all other tokens of the user."""

    _beside: Beside | None = None

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        """The user and the token; None if the request has no bearer token."""
        self._beside = beside_of(request.parser_context.get("view"))
        return super().authenticate(request)  # type: ignore[no-any-return]

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ApiToken]:
        """The user and the token. Raises AuthenticationFailed if it is unknown or expired, or its user is inactive."""
        try:
            digest = hash_token(token.decode("ascii"))
        except UnicodeDecodeError:
            raise AuthenticationFailed("The token is not valid.") from None
        beside = self._beside or Beside("", "", {})
        statement = _still_valid(beside.columns, beside.joins)
        for row in fetch_all(statement, digest=digest, noted_every=USE_NOTED_EVERY, **beside.parameters):
            found, user = instance_of(ApiToken, row), instance_of(get_user_model(), row, prefix=USERS)
            if user.is_active:
                found.user = user
                beside.row = row
                if not row["is_noted"]:
                    ApiToken.objects.filter(pk=found.pk).update(last_used_at=Now())
                return user, found
        raise AuthenticationFailed("The token is not valid.")


@cache
def _still_valid(columns: str, joins: str) -> str:
    """STILL_VALID for the configured user model, with these columns of these joins beside it."""
    model, quote = get_user_model(), connection.ops.quote_name
    token, user = columns_of(ApiToken, "token"), columns_of(model, "account", prefix=USERS)
    return STILL_VALID.format(
        token=token, user=user, users=quote(model._meta.db_table), key=quote(str(model._meta.pk.column)),
        beside=columns and f", {columns}", joins=joins,
    )  # fmt: skip
