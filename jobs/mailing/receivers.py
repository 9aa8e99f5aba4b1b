"""Who gets mail: an active account with an address whose preferences ask for the topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model

from jobs.localization import preferences_of
from jobs.mailing.topics import Topic
from jobs.models import Preferences

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def address_of(user: AbstractBaseUser) -> str:
    """The address of the account; empty if it has none."""
    return str(getattr(user, user.get_email_field_name(), "") or "")


def reason_against(user: AbstractBaseUser | None, topic: Topic) -> str:
    """Why a user gets no mail about this topic, as a sentence for the staff; empty if they get it. One query."""
    if user is None:
        return "Its receiver was deleted."
    if not user.is_active:
        return "The account of its receiver is not active."
    if not address_of(user):
        return "Its receiver has no address."
    return "" if getattr(preferences_of(user.pk), topic.preference) else "Its receiver has switched these mails off."


def switch_topic(user_id: int, topic: Topic, *, on: bool) -> None:
    """Switch the mails about a topic on or off. It is safe to repeat."""
    Preferences.objects.update_or_create(user_id=user_id, defaults={topic.preference: on})


def exists(user_id: int) -> bool:
    """Whether the account was not deleted since."""
    return get_user_model()._default_manager.filter(pk=user_id).exists()
