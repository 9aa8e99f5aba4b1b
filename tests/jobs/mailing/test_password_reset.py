"""The mail with which a user chooses a new password: who gets it, what it says, and that nothing secret is stored."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core import serializers
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from jobs.kinds import inspector_of
from jobs.mailing.password_reset import MOST_AN_HOUR, mail_password_reset
from jobs.mailing.queueing import queue_mail
from jobs.mailing.topics import Topic
from jobs.models import Attempt, Job, Preferences
from jobs.models.ids import first_id_at
from jobs.states import State
from tests.support.smtp import DROP, PUBLIC_URL, MailServer, html_of, text_of
from tests.support.threads import Threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]

LINK = re.compile(rf"{PUBLIC_URL}/password/reset/([\w-]+)/([\w-]+)")


@pytest.fixture
def owner(owner: User, server: MailServer) -> User:
    """A user with a password, who has switched other mails off."""
    owner.set_password("an-old-password")
    owner.save()
    Preferences.objects.create(user=owner, mail_failed=False, mail_schedule_paused=False)
    return owner


@pytest.fixture
def sent(owner: User, attempt: Callable[[Job], Job]) -> Callable[..., Job]:
    """Queue a mail, and send it."""

    def send(language: str = "en") -> Job:
        mail = mail_password_reset(owner, language=language)
        assert mail is not None
        Job.objects.filter(pk=mail.pk).update(scheduled_at=Now(), due=True)
        return attempt(mail)

    return send


def test_the_mail(owner: User, server: MailServer, sent: Callable[..., Job]) -> None:
    mail = sent()
    assert (mail.state, mail.type, mail.priority) == (State.SUCCEEDED, "password-reset", 100)
    [got] = server.mails
    text = text_of(got)
    link = LINK.search(text)
    assert link is not None
    assert default_token_generator.check_token(owner, link[2])
    assert (str(got["Subject"]), str(got["To"])) == ("Choose a new password", "ada@example.com")
    assert (got["List-Unsubscribe"], got["List-Unsubscribe-Post"]) == (None, None)
    assert (
        text
        == f"""\
Somebody, probably you, has asked for a new password for the account “ada” at Longhaul.

The link works once, for 2 hours.

If it was not you, do nothing. Your password stays as it is.

Choose a new password: {link[0]}

--{" "}
Longhaul sends you this mail because somebody has entered your address on its pages.
"""
    )
    assert f'href="{link[0]}"' in html_of(got)
    assert "Stop these mails" not in html_of(got)


def test_no_table_has_the_link(server: MailServer, sent: Callable[..., Job]) -> None:
    server.at_data = [DROP]
    mail = sent()
    assert mail.payload == {"topic": "password-reset", "language": "en"}
    [got] = server.mails
    link = LINK.search(text_of(got))
    assert link is not None
    stored = serializers.serialize("json", [mail, *Attempt.objects.filter(job=mail), *mail.events.all()])
    assert '"jobs.attempt"' in stored
    assert link[2] not in stored


@pytest.mark.parametrize(("preferred", "page", "language"), [("", "ja", "ja"), ("en", "ja", "en")])
def test_the_language_is_that_of_the_user_or_else_of_the_page(
    preferred: str, page: str, language: str, owner: User, server: MailServer, sent: Callable[..., Job]
) -> None:
    Preferences.objects.filter(user=owner).update(language=preferred)
    sent(page)
    [got] = server.mails
    assert got["Content-Language"] == language
    assert f'<html lang="{language}">' in html_of(got)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda: User.objects.update(is_active=False), "The account of its receiver is not active."),
        (lambda: User.objects.update(email=""), "Its receiver has no address."),
        (lambda: User.objects.update(password="!"), "The account of its receiver has no password."),
        (
            lambda: Job.objects.update(created_at=timezone.now() - timedelta(hours=2, seconds=1)),
            "What it would say is no longer true.",
        ),
    ],
)
def test_a_mail_that_nobody_may_get_any_more_is_not_sent(
    change: Callable[[], Any], reason: str, owner: User, server: MailServer, attempt: Callable[[Job], Job]
) -> None:
    mail = mail_password_reset(owner, language="en")
    assert mail is not None
    change()
    Job.objects.filter(pk=mail.pk).update(scheduled_at=Now(), due=True)
    assert (attempt(mail).result, server.asked) == ({"sent": False, "reason": reason}, 0)


def test_without_mail_nothing_is_queued(owner: User, settings: Settings) -> None:
    settings.MAIL_IS_ON = False
    assert mail_password_reset(owner, language="en") is None


def test_three_mails_within_an_hour_and_no_digest(owner: User, make_job: Callable[..., Job]) -> None:
    bob = User.objects.create_user("bob", email="bob@example.com", password="of-bob-himself")
    before = timezone.now() - timedelta(minutes=61)
    facts: dict[str, Any] = {"kind": "mail", "type": "password-reset", "payload": {"topic": "password-reset"}}
    make_job(**facts, queue="mail", pk=first_id_at(before), created_at=before)
    queue_mail(owner, Topic.FAILED, facts={"job": "x"}, of="report")
    assert [mail_password_reset(owner, language="en") is not None for _ in range(5)] == [True] * 3 + [False] * 2
    assert mail_password_reset(bob, language="en") is not None


def test_of_many_requests_at_once_three_are_mailed(owner: User) -> None:
    with Threads(6) as threads:
        for act in [threads.submit(mail_password_reset, owner, language="en") for _ in range(12)]:
            act.result()
    assert Job.objects.filter(kind="mail").count() == MOST_AN_HOUR


def test_staff_see_that_it_can_be_sent(owner: User) -> None:
    mail = mail_password_reset(owner, language="en")
    assert mail is not None
    inspector = inspector_of("mail")
    assert inspector.validate(mail.payload, owner) == mail.payload
    assert [finding.text for finding in inspector.findings(mail)] == [
        "The server sends mail, and its receiver wants it."
    ]
