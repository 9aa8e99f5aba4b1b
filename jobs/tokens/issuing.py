"""Make and revoke tokens. Both stand in the audit trail, by the token's id.

A token that is made with another one can never do more than that: it has no scope that the other lacks, its limit of
requests, ends no later, and is revoked with it.
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
    """The user has as many tokens as one may have."""


class TokenOverError(JobError):
    """The token that asks for another has ended meanwhile."""


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
    """A new token of `user`, and its text, which is kept nowhere. One that is `issued_by` another ends with that.

    Tokens that are over go. Raises TooManyTokensError where there are `at_most` others, if that is limited, and
    TokenOverError where the issuing one has ended.
    """
    with _tokens_of(user):
        ApiToken.objects.filter(user=user.pk, expiry__lt=Now()).delete()
        issuer = issued_by and ApiToken.objects.filter(pk=issued_by.pk).first()
        if issued_by is not None and issuer is None:
            raise TokenOverError("The token that asks has ended.")
        if at_most is not None and ApiToken.objects.filter(user=user.pk).count() >= at_most:
            raise TooManyTokensError(f"You have {at_most} tokens, which is the limit. Revoke some.")
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
    """As `issue_token`, by the user for themselves: at most TOKENS_PER_USER."""
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
    """End a token of `user` at once, and those that it issued; False where there is none of this id."""
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
    """The tokens that it has made, that those have made, and so on: they end with it."""
    below = list(ApiToken.objects.filter(issued_by=token))
    return below + [deeper for one in below for deeper in issued_below(one)]


@contextmanager
def _tokens_of(user: AbstractBaseUser) -> Iterator[None]:
    """A transaction in which nobody else makes or revokes tokens of `user`."""
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update().get(pk=user.pk)
        yield


def _shown(token: ApiToken, user: AbstractBaseUser) -> dict[str, Any]:
    return {"user": user.get_username(), "name": token.name, "scopes": token.scopes}
