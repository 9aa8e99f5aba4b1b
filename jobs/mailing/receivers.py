"""Who gets mail: an active account with an address that has chosen these mails."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model

from jobs.localization import preferences_of
from jobs.mailing.runs import are_wanted, switch_runs
from jobs.mailing.topics import RUN_TOPICS, Topic
from jobs.models import Preferences

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def address_of(user: AbstractBaseUser) -> str:
    """The address of the account; empty if it has none."""
    return str(getattr(user, user.get_email_field_name(), "") or "")


def reason_against(user: AbstractBaseUser | None, topic: Topic, *, schedule_id: UUID | None = None) -> str:
    """Why a user gets no mail about this topic, as a sentence for the staff; empty if they get it. One query.

    `schedule_id` is that of a mail about a run; None for a digest.
    """
    if user is None:
        return "Its receiver was deleted."
    if not user.is_active:
        return "The account of its receiver is not active."
    if not address_of(user):
        return "Its receiver has no address."
    if topic == Topic.PASSWORD_RESET:  # whoever has asked for it wants it
        return "" if user.has_usable_password() else "The account of its receiver has no password."
    if topic in RUN_TOPICS:
        is_on = are_wanted(user.pk, topic, schedule_id)
    else:
        is_on = getattr(preferences_of(user.pk), topic.preference)
    return "" if is_on else "Its receiver has switched these mails off."


def switch_topic(user_id: int, topic: Topic, *, on: bool, schedule_id: UUID | None = None) -> None:
    """Switch the mails about a topic on or off; those about runs, for one schedule or for all. It is safe to repeat."""
    if topic in RUN_TOPICS:
        switch_runs(user_id, schedule_id, on=on)
        return
    Preferences.objects.update_or_create(user_id=user_id, defaults={topic.preference: on})


def exists(user_id: int) -> bool:
    """Whether the account was not deleted since."""
    return get_user_model()._default_manager.filter(pk=user_id).exists()
