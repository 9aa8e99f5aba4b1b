"""Make and revoke tokens. Both stand in the audit trail, by the token's id."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.functions import Now

from jobs.audit import AuditEntry, audit
from jobs.errors import JobError
from jobs.tokens.models import ApiToken

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class TooManyTokensError(JobError):
    """The user has as many tokens as one may have."""


def issue_token(
    *,
    user: AbstractBaseUser,
    name: str,
    scopes: Collection[str],
    days: int,
    actor: str,
    at_most: int | None = None,
) -> tuple[ApiToken, str]:
    """A new token of `user`, and its text, which is kept nowhere.

    Tokens that are over go. Raises TooManyTokensError where there are `at_most` others, if that is limited.
    """
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update().get(pk=user.pk)
        ApiToken.objects.filter(user=user.pk, expiry__lt=Now()).delete()
        if at_most is not None and ApiToken.objects.filter(user=user.pk).count() >= at_most:
            raise TooManyTokensError(f"You have {at_most} tokens, which is the limit. Revoke some.")
        token, text = ApiToken.objects.create(user, expiry=timedelta(days=days), name=name, scopes=sorted(scopes))
        after = {"user": user.get_username(), "name": name, "scopes": token.scopes, "expires": str(token.expiry)}
        audit(AuditEntry.Action.ADD, [("token", token.id, {}, after)], actor=actor, reason="")
    return token, text


def issue_own_token(user: AbstractBaseUser, *, name: str, scopes: Collection[str], days: int) -> tuple[ApiToken, str]:
    """As `issue_token`, by the user for themselves: at most TOKENS_PER_USER."""
    at_most: int = settings.TOKENS_PER_USER
    return issue_token(user=user, name=name, scopes=scopes, days=days, actor=user.get_username(), at_most=at_most)


def revoke_own_token(user: AbstractBaseUser, token_id: UUID) -> bool:
    """End a token of `user` at once; False where there is none of this id."""
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().filter(id=token_id, user=user.pk).first()
        if token is None:
            return False
        before = {"user": user.get_username(), "name": token.name, "scopes": token.scopes}
        token.delete()
        audit(AuditEntry.Action.DELETE, [("token", token_id, before, {})], actor=user.get_username(), reason="")
    return True
