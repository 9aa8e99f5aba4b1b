"""Mails with which users who have forgotten their password choose a new one.

The link is a secret, so it is made when the mail is sent: no table has it, and the payload has only a language.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.dispatch.submission import submit_job
from jobs.mailing.contents import Content, in_one_line
from jobs.mailing.links import absolute_url
from jobs.mailing.receivers import reason_against
from jobs.mailing.topics import MAIL, Topic, mail_is_on
from jobs.models import Job
from jobs.models.ids import first_id_at
from jobs.numbers import format_number
from jobs.postgres.advisory_locks import TRANSACTION_LOCK, LockClass, lock_key
from jobs.postgres.statements import execute

if TYPE_CHECKING:
    from django.contrib.auth.models import User

#: Mails to one account within an HOUR.
MOST_AN_HOUR: Final = 3
HOUR: Final = timedelta(hours=1)
#: Somebody waits for this mail, and nobody for the others.
PRIORITY: Final = 100


def mail_password_reset(user: User, *, language: str) -> Job | None:
    """Queue the mail. None if the account gets none, or has had MOST_AN_HOUR. Raises what `submit_job` raises.

    `language` is that of the page, for users who have chosen none. The mail is handed out by the sweep for due jobs, so
    that the request does not wait for Redis, which would tell that there is an account.
    """
    if not mail_is_on() or reason_against(user, Topic.PASSWORD_RESET):
        return None
    with transaction.atomic():
        execute(TRANSACTION_LOCK, key=lock_key(LockClass.MAILS, user.pk))
        now = timezone.now()
        mails = Job.objects.filter(owner=user.pk, kind=MAIL, type=Topic.PASSWORD_RESET, pk__gte=first_id_at(now - HOUR))
        if mails.count() >= MOST_AN_HOUR:
            return None
        payload = {"topic": Topic.PASSWORD_RESET, "language": language}
        return submit_job(kind=MAIL, owner=user, payload=payload, priority=PRIORITY, scheduled_at=now)


def content_of_password_reset(user: User) -> Content:
    """The mail with a link to choose a new password. The link is new each time."""
    hours = settings.PASSWORD_RESET_HOURS
    lasting = ngettext("The link works once, for %(count)s hour.", "The link works once, for %(count)s hours.", hours)
    return Content(
        subject=_("Choose a new password"),
        paragraphs=[
            _("Somebody, probably you, has asked for a new password for the account “%(name)s” at Longhaul.")
            % {"name": in_one_line(user.get_username())},
            lasting % {"count": format_number(hours)},
            _("If it was not you, do nothing. Your password stays as it is."),
        ],
        url=reset_url(user),
        button=_("Choose a new password"),
    )


def is_too_old(mail: Job) -> bool:
    """Whether whoever has asked for the mail no longer waits for it."""
    return mail.created_at < timezone.now() - timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)


def reset_url(user: User) -> str:
    """A new link, which is valid until it is used, the user signs in, or PASSWORD_RESET_TIMEOUT has passed."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return absolute_url(reverse("password-reset-confirm", args=[uid, default_token_generator.make_token(user)]))
