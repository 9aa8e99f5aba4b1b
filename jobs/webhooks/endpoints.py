"""Disabled endpoints: URLs of a user that answered 410 Gone, to which no more callbacks are sent."""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from jobs.errors import TransitionError
from jobs.models.callbacks import CallbackEndpoint
from jobs.outbound.urls import host_of

logger = structlog.get_logger(__name__)


def disable_endpoint(owner_id: int, url: str, *, reason: str) -> None:
    """Send no more callbacks to `url`. If it was already disabled, its time and reason stay."""
    defaults = {"host": host_of(url), "disabled_at": Now(), "reason": reason}
    row, created = CallbackEndpoint.objects.get_or_create(owner_id=owner_id, url=url, defaults=defaults)
    if not created:
        enabled = CallbackEndpoint.objects.filter(pk=row.pk, disabled_at=None)
        enabled.update(disabled_at=Now(), reason=reason)
    logger.info("callback_endpoint_disabled", owner=owner_id, host=host_of(url), reason=reason)


def is_disabled(owner_id: int, url: str) -> bool:
    """Whether callbacks of this user to `url` are suppressed."""
    return endpoints_of(owner_id).filter(url=url, disabled_at__isnull=False).exists()


def enable_endpoint(owner_id: int, endpoint_id: UUID) -> CallbackEndpoint:
    """Enable an endpoint. Raises CallbackEndpoint.DoesNotExist, also if it is another user's, or TransitionError."""
    with transaction.atomic():
        changed = endpoints_of(owner_id).filter(pk=endpoint_id, disabled_at__isnull=False).update(disabled_at=None)
        endpoint = endpoints_of(owner_id).get(pk=endpoint_id)
    if changed != 1:
        raise TransitionError(f"endpoint {endpoint_id} is not disabled")
    return endpoint


def endpoints_of(owner_id: int) -> QuerySet[CallbackEndpoint]:
    """All endpoints of this user, including enabled ones."""
    return CallbackEndpoint.objects.filter(owner=owner_id)
