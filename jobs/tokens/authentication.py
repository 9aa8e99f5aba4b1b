"""Who sends a bearer token (RFC 6750), by one look into the table."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models.functions import Now
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from rest_framework.exceptions import AuthenticationFailed

from jobs.statements import ask, instance_of, one_trip
from jobs.tokens.models import ApiToken

#: `last_used_at` is written at most so often.
USE_NOTED_EVERY: Final = timedelta(minutes=1)

#: Each request begins with these two, in one trip. By the ORM, which writes the query anew each time, they were a third
#: of what a status takes.
STILL_VALID: Final = """
    SELECT *, coalesce(last_used_at > statement_timestamp() - %(noted_every)s::interval, false) AS is_noted
    FROM jobs_apitoken WHERE digest = %(digest)s::text AND (expiry IS NULL OR expiry > statement_timestamp())
"""
ITS_USER: Final = """
    SELECT * FROM {users} WHERE {key} = (SELECT user_id FROM jobs_apitoken WHERE digest = %(digest)s::text)
"""


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """As knox's, but by the hash of the whole token: knox also reads all other tokens of the user each time."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ApiToken]:
        """The user and the token. Raises AuthenticationFailed: it is unknown or over, or its user is not active."""
        try:
            digest = hash_token(token.decode("ascii"))
        except UnicodeDecodeError:
            raise AuthenticationFailed("The token is not valid.") from None
        model = get_user_model()
        quote = connection.ops.quote_name
        its_user = ITS_USER.format(users=quote(model._meta.db_table), key=quote(str(model._meta.pk.column)))
        with one_trip():
            tokens = ask(STILL_VALID, digest=digest, noted_every=USE_NOTED_EVERY)
            users = ask(its_user, digest=digest)
        for row, its in zip(tokens.fetchall(), users.fetchall(), strict=False):
            found, user = instance_of(ApiToken, row), instance_of(model, its)
            if user.is_active:
                found.user = user
                if not row["is_noted"]:
                    ApiToken.objects.filter(pk=found.pk).update(last_used_at=Now())
                return user, found
        raise AuthenticationFailed("The token is not valid.")
