"""A mail with its headers, as text and as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from jobs.localization import localized, preferences_of, time_zones
from jobs.mailing.about import About, schedule_id_of
from jobs.mailing.contents import (
    Content,
    content_about,
    content_of_digest,
    content_of_refused_run,
    content_of_schedule,
)
from jobs.mailing.links import public_host
from jobs.mailing.password_reset import content_of_password_reset
from jobs.mailing.stopping import Stop, stop_url
from jobs.mailing.topics import Topic, occasion_of
from jobs.models import Job

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def message_of(mail: Job, about: About, *, user_id: int, address: str) -> EmailMultiAlternatives:
    """The message of a mail's job, for its receiver.

    A receiver who has chosen no language reads that of the order, or of the page that asked for the mail.
    """
    preferences = preferences_of(user_id)
    ordered_in = (about.job or mail).payload.get("language")
    language = preferences.language or ordered_in or settings.LANGUAGE_CODE
    zone = ZoneInfo(preferences.time_zone if preferences.time_zone in time_zones() else settings.TIME_ZONE)
    topic = Topic(mail.payload["topic"])
    with localized(language, zone, preferences.number_format):
        content = _content(topic, mail, about)
        stop = Stop(user_id, topic, schedule_id_of(mail)) if topic != Topic.PASSWORD_RESET else None
        return _message(content, mail=mail, to=address, stop=stop)


def _content(topic: Topic, mail: Job, about: About) -> Content:
    if "counts" in mail.payload:
        return content_of_digest(topic, mail.payload["counts"])
    if topic == Topic.PASSWORD_RESET:
        return content_of_password_reset(cast("User", mail.owner))
    if about.job is not None:
        return content_about(topic, about.job, about.run)
    return content_of_schedule(mail.payload) if about.run is None else content_of_refused_run(about.run)


def _message(content: Content, *, mail: Job, to: str, stop: Stop | None) -> EmailMultiAlternatives:
    """The headers tell programs that no person wrote this (RFC 3834) and how to stop it (RFC 8058), if it can be.

    All copies of a mail have the same Message-ID, so a mailbox can recognize the second one.
    """
    language = translation.get_language()
    context: dict[str, Any] = {"content": content, "language": language}
    headers: dict[str, str] = {}
    if stop is not None:
        url = stop_url(stop)
        context |= {"occasion": occasion_of(stop.topic, stop.schedule_id), "stop_url": url}
        headers = {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    message = EmailMultiAlternatives(
        subject=content.subject,
        body=render_to_string("mail/mail.txt", context).rstrip() + "\n",
        to=[to],
        headers={
            "Message-ID": f"<{mail.pk}@{public_host()}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "Content-Language": language,
            **headers,
        },
    )
    message.attach_alternative(render_to_string("mail/mail.html", context), "text/html")
    return message
