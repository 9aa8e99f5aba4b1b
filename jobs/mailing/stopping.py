"""The link at the end of a mail that stops its topic. It is signed, never expires, and works without signing in."""

from __future__ import annotations

from typing import Final

from django.core import signing
from django.urls import reverse

from jobs.mailing.links import absolute_url
from jobs.mailing.topics import Topic

#: Keeps signatures of other purposes from being valid here.
SALT: Final = "jobs.mailing.stop"


class InvalidTokenError(ValueError):
    """The token was not made here, or was changed."""


def stop_url(user_id: int, topic: Topic) -> str:
    """The link for a mail about this topic to this user."""
    return absolute_url(reverse("mail-stop", args=[stop_token(user_id, topic)]))


def stop_token(user_id: int, topic: Topic) -> str:
    """The signed part of the link. It is the same for all mails about a topic."""
    return signing.Signer(salt=SALT).sign_object([user_id, topic])


def read_token(token: str) -> tuple[int, Topic]:
    """The user's id and the topic. Raises InvalidTokenError."""
    try:
        user_id, topic = signing.Signer(salt=SALT).unsign_object(token)
        return int(user_id), Topic(topic)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvalidTokenError(str(error)) from None
