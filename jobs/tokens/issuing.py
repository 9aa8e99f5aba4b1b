"""Create and revoke tokens; the audit trail records both under the token's id.

A token never exceeds the token that issued it: it has no further scopes, the same request limit and no later expiry,
and is revoked together with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.functions import Now

from jobs.errors import JobError
from jobs.interventions.audit import audit
from jobs.models import AuditEntry
from jobs.models.token import ApiToken

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class TooManyTokensError(JobError):
    """The user has as many tokens as allowed: `at_most`."""

    def __init__(self, at_most: int) -> None:
        super().__init__(f"You have {at_most} tokens, which is the maximum. Revoke one first.")
        self.at_most = at_most


class TokenOverError(JobError):
    """The issuing token has expired or was revoked meanwhile."""


def issue_token(
    *,
    user: AbstractBaseUser,
    name: str,
    scopes: Collection[str],
    days: int,
    actor: str,
    at_most: int | None = None,
    issued_by: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """A new token of `user`, and its text, which is not stored. Deletes the user's expired tokens.

    Raises TooManyTokensError if the user already has `at_most` tokens (None: no limit), and TokenOverError if the
    issuing token has ended.
    """
    with _tokens_of(user):
        ApiToken.objects.filter(user=user.pk, expiry__lt=Now()).delete()
        issuer = issued_by and ApiToken.objects.filter(pk=issued_by.pk).first()
        if issued_by is not None and issuer is None:
            raise TokenOverError("Your own token has expired or was revoked.")
        if at_most is not None and ApiToken.objects.filter(user=user.pk).count() >= at_most:
            raise TooManyTokensError(at_most)
        token, text = ApiToken.objects.create(user, expiry=timedelta(days=days), name=name, scopes=sorted(scopes))
        if issuer is not None:
            token.issued_by, token.requests_per_minute = issuer, issuer.requests_per_minute
            token.expiry = min(token.expiry, issuer.expiry or token.expiry)
            token.save()
        after = {**_shown(token, user), "expires": str(token.expiry)}
        after |= {"issued by": str(issuer.id)} if issuer else {}
        audit(AuditEntry.Action.ADD, [("token", token.id, {}, after)], actor=actor, reason="")
    return token, text


def issue_own_token(
    user: AbstractBaseUser, *, name: str, scopes: Collection[str], days: int, issued_by: ApiToken | None = None
) -> tuple[ApiToken, str]:
    """`issue_token` by the users themselves, up to TOKENS_PER_USER."""
    return issue_token(
        user=user,
        name=name,
        scopes=scopes,
        days=days,
        actor=user.get_username(),
        at_most=settings.TOKENS_PER_USER,
        issued_by=issued_by,
    )


def revoke_own_token(user: AbstractBaseUser, token_id: UUID) -> bool:
    """Revoke a token of `user` and the tokens issued below it; False if the user has no such token."""
    with _tokens_of(user):
        token = ApiToken.objects.filter(id=token_id, user=user.pk).first()
        if token is None:
            return False
        ended = [token, *issued_below(token)]
        token.delete()
        acts = [("token", one.id, _shown(one, user), dict[str, Any]()) for one in ended]
        audit(AuditEntry.Action.DELETE, acts, actor=user.get_username(), reason="")
    return True


def issued_below(token: ApiToken) -> list[ApiToken]:
    """The tokens that it issued, that those issued, and so on: they are revoked with it."""
    below = list(ApiToken.objects.filter(issued_by=token))
    return below + [deeper for one in below for deeper in issued_below(one)]


@contextmanager
def _tokens_of(user: AbstractBaseUser) -> Iterator[None]:
    """A transaction that excludes others from creating or revoking tokens of `user`."""
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update().get(pk=user.pk)
        yield


def _shown(token: ApiToken, user: AbstractBaseUser) -> dict[str, Any]:
    return {"user": user.get_username(), "name": token.name, "scopes": token.scopes}
