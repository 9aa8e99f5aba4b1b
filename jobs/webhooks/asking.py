"""Where a user wants to be called back, unless an order says otherwise. `jobs.dispatch.submission` keeps it with a
job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.models.callbacks import CallbackSettings

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def default_url(owner: AbstractBaseUser) -> str | None:
    """Where this user's orders call back that say nothing themselves; None: nowhere."""
    return CallbackSettings.objects.filter(owner_id=owner.pk).values_list("url", flat=True).first() or None


def set_default_url(owner: AbstractBaseUser, url: str | None) -> None:
    """`url` is a canonical one. Orders that were accepted before keep theirs."""
    CallbackSettings.objects.update_or_create(owner_id=owner.pk, defaults={"url": url or ""})
