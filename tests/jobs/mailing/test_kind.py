"""One attempt is one try to hand a mail over: what the mail server says decides what becomes of the job."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from jobs.interventions.dead_letter import requeue_jobs
from jobs.kinds import inspector_of
from jobs.models import Artifact, Attempt, Event, Job, Preferences
from jobs.states import State
from tests.support.smtp import DROP, HANG, MailServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]

Make = Callable[..., Job]
NO_LONGER_TRUE = {"sent": False, "reason": "What it would say is no longer true."}


def conditions(mail: Job) -> list[Any]:
    return list(Attempt.objects.filter(job=mail).order_by("number").values_list("conditions", flat=True))


def test_a_mail_is_taken(server: MailServer, report: Make, mail: Make, attempt: Callable[[Job], Job]) -> None:
    sent = attempt(mail(report()))
    assert (sent.state, sent.result) == (
        State.SUCCEEDED, {"sent": True, "messageId": f"<{sent.pk}@longhaul.example.org>"}
    )  # fmt: skip
    assert server.envelopes == [("longhaul@example.org", ["ada@example.com"])]
    assert conditions(sent) == [{"mail": "answered"}]


def test_the_number_of_queries_of_a_mail(
    server: MailServer, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    """The fixture's, claim and look, preferences, the job, its files, copies, preferences, two marks, finish (4)."""
    one = mail(report())
    with CaptureQueriesContext(connection) as queries:
        attempt(one)
    assert len(queries) == 14, [query["sql"] for query in queries]


def test_a_greylisted_mail_is_taken_later(
    server: MailServer, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    server.at_rcpt = ["451 4.7.1 Greylisted, try again"]
    one = attempt(mail(report()))
    assert (one.state, one.error_message) == (
        State.FAILED, "The mail server refused the address: 451 4.7.1 Greylisted, try again"
    )  # fmt: skip
    assert one.retry_at is not None
    assert (attempt(one).state, len(server.mails)) == (State.SUCCEEDED, 1)


def test_a_mail_that_is_put_off_after_its_text_is_taken_later_and_counts_as_answered(
    server: MailServer, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    server.at_data = ["452 4.3.1 No room"] * 3
    one = mail(report())
    assert [attempt(one).state for _ in range(4)] == [State.FAILED] * 3 + [State.SUCCEEDED]
    assert len({str(each["Message-ID"]) for each in server.mails}) == 1


@pytest.mark.parametrize("replies", ["at_rcpt", "at_data"])
def test_what_is_refused_for_good_is_a_dead_letter_with_the_words_of_the_server(
    replies: str, server: MailServer, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    setattr(server, replies, ["550 5.1.1 No such user here"])
    one = attempt(mail(report()))
    what = {"at_rcpt": "address", "at_data": "mail"}[replies]
    assert (one.state, one.error_message) == (
        State.DEAD, f"The mail server refused the {what}: 550 5.1.1 No such user here"
    )  # fmt: skip
    assert one.result == {
        "error": {"code": "mail-refused", "detail": f"The mail server refused the {what}.", "retryable": False}
    }


def test_an_address_that_is_none_is_refused_before_the_server_is_asked(
    server: MailServer, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    User.objects.update(email="ada@example.com\nBcc: eve@example.com")
    one = attempt(mail(report()))
    assert (one.state, one.error_message) == (State.DEAD, "The address of the account is not valid.")
    assert server.asked == 0


def test_a_server_that_hangs_is_left_and_asked_again(
    server: MailServer, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    server.at_rcpt = [HANG]
    one = attempt(mail(report()))
    assert (one.state, one.error_message) == (
        State.FAILED,
        "The mail server could not be used. SMTPServerDisconnected: Connection unexpectedly closed: timed out",
    )
    assert conditions(one) == [None]
    assert attempt(one).state == State.SUCCEEDED


@pytest.mark.parametrize("way", [DROP, HANG])
def test_a_mail_is_sent_twice_at_most_when_the_server_says_nothing(
    way: str, server: MailServer, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    server.at_data = [way] * 9
    one = mail(report())
    assert [attempt(one).state for _ in range(3)] == [State.FAILED, State.FAILED, State.DEAD]
    assert (one.result or {})["error"]["code"] == "mail-unconfirmed"
    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"] == f"<{one.pk}@longhaul.example.org>"
    assert conditions(one) == [{"mail": "sent, no answer"}] * 2 + [None]
    requeue_jobs([one.pk], actor="grace", reason="the server is repaired")
    server.at_data = []
    assert (attempt(one).state, len(server.mails)) == (State.SUCCEEDED, 3)


def test_a_second_copy_may_be_taken(
    server: MailServer, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    server.at_data = [DROP]
    one = mail(report())
    assert [attempt(one).state, attempt(one).state] == [State.FAILED, State.SUCCEEDED]
    assert len({str(each["Message-ID"]) for each in server.mails}) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda user: User.objects.update(is_active=False), "The account of its receiver is not active."),
        (lambda user: User.objects.update(email=""), "Its receiver has no address."),
        (
            lambda user: Preferences.objects.create(user=user, mail_failed=False),
            "Its receiver has switched these mails off.",
        ),
    ],
)
def test_a_mail_that_nobody_wants_any_more_is_not_sent(
    change: Callable[[User], Any],
    reason: str,
    server: MailServer,
    owner: User,
    report: Make,
    mail: Make,
    attempt: Callable[[Job], Job],
) -> None:
    one = mail(report())
    change(owner)
    assert (attempt(one).state, one.result, server.asked) == (State.SUCCEEDED, {"sent": False, "reason": reason}, 0)


@pytest.mark.parametrize("change", [{"state": State.SUCCEEDED}, {"state": State.QUEUED}, {"owner": None}])
def test_a_mail_about_a_job_that_has_gone_on_is_not_sent(
    change: dict[str, Any], server: MailServer, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    about = report()
    one = mail(about)
    Job.objects.filter(pk=about.pk).update(**change)
    assert (attempt(one).result, server.asked) == (NO_LONGER_TRUE, 0)


def test_a_mail_about_a_file_that_was_downloaded_meanwhile_is_not_sent(
    server: MailServer, owner: User, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    Preferences.objects.create(user=owner, mail_expiring=True)
    about = report(state=State.SUCCEEDED)
    now = timezone.now()
    times = {"published_at": now - timedelta(days=6), "expires_at": now + timedelta(days=1)}
    Artifact.objects.create(job=about, role="result", row_count=1, size_bytes=1, **times)
    assert (attempt(mail(about, "expiring")).result or {})["sent"] is True
    Event.objects.create(job=about, name=Event.Name.DOWNLOADED, actor="grace")  # not the owner
    assert (attempt(mail(about, "expiring")).result or {})["sent"] is True
    Event.objects.create(job=about, name=Event.Name.DOWNLOADED, actor="ada")
    assert attempt(mail(about, "expiring")).result == NO_LONGER_TRUE


def test_a_worker_without_the_setting_says_so_and_tries_again(
    server: MailServer, settings: Settings, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    settings.MAIL_IS_ON = False
    one = attempt(mail(report()))
    assert (one.state, one.error_message) == (State.FAILED, "EMAIL_URL is not set for this worker.")


def test_staff_see_whether_a_dead_mail_can_be_requeued(
    server: MailServer, settings: Settings, owner: User, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    server.at_rcpt = ["550 no"]
    one = attempt(mail(report()))

    def said() -> list[str]:
        return [str(finding.text) for finding in inspector_of("mail").findings(Job.objects.get(pk=one.pk))]

    assert said() == ["The server sends mail, and its receiver wants it."]
    Preferences.objects.create(user=owner, mail_failed=False)
    assert said() == ["Its receiver has switched these mails off."]
    settings.MAIL_IS_ON = False
    assert said() == ["EMAIL_URL is not set: the server sends no mail."]
