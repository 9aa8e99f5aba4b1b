"""The link at the end of a mail that stops its topic, or the mails of its schedule.

It is signed, never expires, and works without signing in.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

from django.core import signing
from django.urls import reverse

from jobs.mailing.links import absolute_url
from jobs.mailing.topics import Topic

#: Keeps signatures of other purposes from being valid here.
SALT: Final = "jobs.mailing.stop"


class InvalidTokenError(ValueError):
    """The token was not made here, or was changed."""


class Stop(NamedTuple):
    """Whose mails a link stops: those about a topic, or about runs of one schedule; without its id, of all."""

    user_id: int
    topic: Topic
    schedule_id: UUID | None = None


def stop_url(stop: Stop) -> str:
    """The link for a mail."""
    return absolute_url(reverse("mail-stop", args=[stop_token(*stop)]))


def stop_token(user_id: int, topic: Topic, schedule_id: UUID | None = None) -> str:
    """The signed part of the link. It is the same for all mails about a topic, or a topic and a schedule."""
    of_schedule = [] if schedule_id is None else [schedule_id.hex]
    return signing.Signer(salt=SALT).sign_object([user_id, topic, *of_schedule])


def read_token(token: str) -> Stop:
    """What the link stops. Raises InvalidTokenError."""
    try:
        user_id, topic, *of_schedule = signing.Signer(salt=SALT).unsign_object(token)
        return Stop(int(user_id), Topic(topic), *map(UUID, of_schedule))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvalidTokenError(str(error)) from None
