"""Signing secrets of users, and signatures (https://www.standardwebhooks.com, HMAC-SHA256, `v1`).

A secret is never stored but derived: HMAC-SHA256 with SECRET_KEY over the random nonce of its row. So nobody can sign
with a dump of the database. Each row identifies its SECRET_KEY. A replaced key must stay in SECRET_KEY_FALLBACKS until
the users have new secrets.
"""

from __future__ import annotations

import base64
import hmac
import secrets as randomness
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from standardwebhooks.webhooks import Webhook

from jobs.models.callbacks import CallbackSecret

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

logger = structlog.get_logger(__name__)

#: The most secrets of a user that sign at once: each adds a signature to the header of every callback.
MOST_SECRETS: Final = 5
_PREFIX: Final = "whsec_"


@dataclass(frozen=True)
class Rotated:
    """A new secret; its value is shown only once."""

    row: CallbackSecret
    value: str

    def __repr__(self) -> str:
        return f"Rotated({self.row!r})"


def rotate_secret(owner: AbstractBaseUser) -> Rotated:
    """Create a new secret. The previous ones also sign for another CALLBACK_SECRET_OVERLAP_HOURS."""
    overlap = timedelta(hours=settings.CALLBACK_SECRET_OVERLAP_HOURS)
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update().get(pk=owner.pk)  # one rotation after the other
        mine = CallbackSecret.objects.filter(owner=owner.pk)
        mine.filter(signs_until__lte=Now()).delete()
        mine.filter(signs_until=None).update(signs_until=Now() + overlap)
        kept = mine.order_by("-pk").values("pk")[: MOST_SECRETS - 1]
        mine.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
        row = _new_secret(owner.pk)
        row.save(force_insert=True)
        row.refresh_from_db()
    logger.info("callback_secret_rotated", owner=owner.pk, secret=str(row.pk))
    return Rotated(row, value_of(row) or "")


def valid_secrets(owner_id: int) -> QuerySet[CallbackSecret]:
    """The secrets that sign now, newest first."""
    current = Q(signs_until=None) | Q(signs_until__gt=Now())
    return CallbackSecret.objects.filter(current, owner=owner_id).order_by("-pk")


def signing_secrets(owner_id: int) -> list[str]:
    """The values of the secrets that sign for this user, newest first; empty if their SECRET_KEY is missing.

    A user without a secret gets one that nobody has seen, because callbacks are never sent unsigned. A rotation shows
    the next one.
    """
    rows = list(valid_secrets(owner_id))
    if not rows:
        made = _new_secret(owner_id)
        defaults = {"id": made.pk, "nonce": made.nonce, "key_mark": made.key_mark}
        row, _ = CallbackSecret.objects.get_or_create(owner_id=owner_id, signs_until=None, defaults=defaults)
        rows = [row]
    return [value for row in rows if (value := value_of(row)) is not None]


def value_of(row: CallbackSecret) -> str | None:
    """`whsec_…`; None if the SECRET_KEY that it derives from is missing."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if hmac.compare_digest(_mark(key), row.key_mark):
            derived = _hmac(key, f"callback secret {row.pk} {row.nonce}")
            return _PREFIX + base64.b64encode(derived).decode()
    return None


def signed_headers(secrets: Sequence[str], *, message_id: str, at: datetime, body: str) -> dict[str, str]:
    """The three headers of Standard Webhooks, with one signature per secret, separated by spaces."""
    signatures = [Webhook(secret).sign(message_id, at, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _new_secret(owner_id: int) -> CallbackSecret:
    return CallbackSecret(owner_id=owner_id, nonce=randomness.token_hex(32), key_mark=_mark(settings.SECRET_KEY))


def _mark(key: str) -> str:
    return _hmac(key, "mark of the key of callback secrets").hex()[:16]


def _hmac(key: str, text: str) -> bytes:
    return hmac.digest(key.encode(), f"longhaul: {text}".encode(), "sha256")
