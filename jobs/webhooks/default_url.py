"""A user's default callback URL, for orders that name none. `jobs.dispatch.submission` stores it with each job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.models.callbacks import CallbackSettings

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def default_url(owner: AbstractBaseUser) -> str | None:
    """The callback URL for orders of this user that name none; None for no callback."""
    return CallbackSettings.objects.filter(owner_id=owner.pk).values_list("url", flat=True).first() or None


def set_default_url(owner: AbstractBaseUser, url: str | None) -> None:
    """Change the default to `url`, which must be canonical. Orders accepted earlier keep theirs."""
    CallbackSettings.objects.update_or_create(owner_id=owner.pk, defaults={"url": url or ""})
