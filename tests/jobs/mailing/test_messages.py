"""What the receiver reads, parsed back from what the server has got."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.utils import translation
from pytest_django import Settings

from jobs.mailing.stopping import stop_token
from jobs.mailing.topics import Topic
from jobs.models import Artifact, Job, NumberFormat, Preferences
from jobs.states import State
from reports.types import REPORT_TYPES
from tests.support.smtp import PUBLIC_URL, MailServer, html_of, text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]

Make = Callable[..., Job]
LATER = datetime(2030, 1, 9, 3, 4, tzinfo=UTC)


@pytest.fixture
def complete(report: Make) -> Callable[[], Job]:
    """A report with a file."""

    def make() -> Job:
        job = report(state=State.SUCCEEDED, result=None)
        Artifact.objects.create(
            job=job, role="result", row_count=1234567, size_bytes=2_500_000, published_at=job.created_at,
            expires_at=LATER, filename="x.csv",
        )  # fmt: skip
        return job

    return make


def stop_of(owner: User, topic: Topic) -> str:
    return f"{PUBLIC_URL}/mail/stop/{stop_token(owner.pk, topic)}"


def test_a_report_has_failed(
    server: MailServer, owner: User, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    about = report()
    one = attempt(mail(about))
    [got] = server.mails
    stop = stop_of(owner, Topic.FAILED)
    named = {
        name: str(value).strip() for name, value in got.items() if name not in ("Date", "Content-Type", "MIME-Version")
    }
    assert named == {
        "Subject": "Yearly sales has failed",
        "From": "Longhaul <longhaul@example.org>",
        "To": "ada@example.com",
        "Message-ID": f"<{one.pk}@longhaul.example.org>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Content-Language": "en",
    }
    assert got.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in got.iter_parts()] == ["text/plain", "text/html"]
    assert (
        text_of(got)
        == f"""\
Your report “Yearly sales” has failed.

The query exceeded its time limit.

Ask for less, such as a shorter period.

Ordered: 2026-01-02 03:04 (UTC)

Open the report: {PUBLIC_URL}/reports/{about.pk}

--{" "}
Longhaul sends you a mail when a report or an upload has failed.
Stop these mails: {stop}
"""
    )
    page = html_of(got)
    for shown in ("Yearly sales has failed", "Ask for less, such as a shorter period.", f'href="{stop}"'):
        assert shown in page
    assert f'href="{PUBLIC_URL}/reports/{about.pk}"' in page
    assert '<meta name="color-scheme" content="light dark">' in page
    assert "<img" not in page
    assert "http" not in page.replace(PUBLIC_URL, "")


def test_a_report_is_complete(
    server: MailServer, owner: User, complete: Callable[[], Job], mail: Make, attempt: Callable[[Job], Job]
) -> None:
    preferences = {"time_zone": "Asia/Tokyo", "number_format": NumberFormat.POINT_COMMA}
    Preferences.objects.create(user=owner, mail_complete=True, **preferences)
    about = complete()
    attempt(mail(about, "complete"))
    [got] = server.mails
    assert str(got["Subject"]) == "Yearly sales is complete"
    assert (
        text_of(got)
        == f"""\
Your report “Yearly sales” is complete.

Ordered: 2026-01-02 12:04 (Asia/Tokyo)
Rows: 1.234.567
Size: 2,5\N{NO-BREAK SPACE}MB
Available until: 2030-01-09 12:04 (Asia/Tokyo)

Open the report: {PUBLIC_URL}/reports/{about.pk}

--{" "}
Longhaul sends you a mail when a report or an upload is complete.
Stop these mails: {stop_of(owner, Topic.COMPLETE)}
"""
    )


def test_a_file_expires_soon(
    server: MailServer, owner: User, complete: Callable[[], Job], mail: Make, attempt: Callable[[Job], Job]
) -> None:
    Preferences.objects.create(user=owner, mail_expiring=True)
    about = complete()
    attempt(mail(about, "expiring"))
    [got] = server.mails
    assert str(got["Subject"]) == "The file of Yearly sales expires soon"
    assert (
        text_of(got)
        == f"""\
The file of your report “Yearly sales” will be deleted at 2030-01-09 03:04 (UTC).

You have not downloaded it yet.

Open the report: {PUBLIC_URL}/reports/{about.pk}

--{" "}
Longhaul sends you a mail a day before a file that you have not downloaded expires.
Stop these mails: {stop_of(owner, Topic.EXPIRING)}
"""
    )


def test_a_schedule_was_paused(server: MailServer, owner: User, mail: Make, attempt: Callable[[Job], Job]) -> None:
    facts = {"name": "Every Monday", "url": "/schedules/7", "reason": "The report type yearly-sales no longer exists."}
    attempt(mail(topic="schedule-paused", payload={"topic": "schedule-paused", **facts}))
    [got] = server.mails
    assert str(got["Subject"]) == "The schedule Every Monday was paused"
    assert (
        text_of(got)
        == f"""\
Your schedule “Every Monday” was paused, because its orders kept failing.

The report type yearly-sales no longer exists.

Nothing is ordered until you resume it.

Open the schedule: {PUBLIC_URL}/schedules/7

--{" "}
Longhaul sends you a mail when a schedule was paused after failures.
Stop these mails: {stop_of(owner, Topic.SCHEDULE_PAUSED)}
"""
    )


def test_a_digest(server: MailServer, owner: User, mail: Make, attempt: Callable[[Job], Job]) -> None:
    attempt(mail(payload={"topic": "failed", "counts": {"report": 990, "upload": 10}}))
    [got] = server.mails
    assert str(got["Subject"]) == "1,000 more jobs have failed"
    assert (
        text_of(got)
        == f"""\
You have already had several mails of this kind within an hour. This one stands for all that followed.

Reports: 990

Uploads: 10

Open Longhaul: {PUBLIC_URL}/

--{" "}
Longhaul sends you a mail when a report or an upload has failed.
Stop these mails: {stop_of(owner, Topic.FAILED)}
"""
    )


@pytest.mark.parametrize(
    ("preferred", "ordered_in", "language"), [("ja", "en", "ja"), ("", "ja", "ja"), ("", "en", "en")]
)
def test_a_mail_is_in_the_language_of_its_receiver_or_else_of_the_order(
    preferred: str,
    ordered_in: str,
    language: str,
    server: MailServer,
    owner: User,
    report: Make,
    mail: Make,
    attempt: Callable[[Job], Job],
) -> None:
    Preferences.objects.create(user=owner, language=preferred)
    about = report()
    about.payload["language"] = ordered_in
    about.save()
    with translation.override("de"):  # whatever is active in the worker
        attempt(mail(about))
    [got] = server.mails
    assert got["Content-Language"] == language
    assert f'<html lang="{language}">' in html_of(got)


def test_a_title_begins_no_header_and_is_escaped(
    server: MailServer, report: Make, mail: Make, attempt: Callable[[Job], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    report_type = type(REPORT_TYPES.all()[0])
    about = report(type=report_type.identifier)
    about.payload["reportType"] = report_type.identifier
    about.save()
    title = "<b>Ümlaut</b>\r\nBcc: eve@example.com\u2028\x85x" + "é" * 200
    monkeypatch.setattr(report_type, "title", title)
    attempt(mail(about))
    [got] = server.mails
    assert str(got["Subject"]).strip() == f"<b>Ümlaut</b> Bcc: eve@example.com x{'é' * 113}… has failed"
    assert got["Bcc"] is None
    assert server.envelopes == [("longhaul@example.org", ["ada@example.com"])]
    assert "<b>Ümlaut</b>" in text_of(got)
    assert "&lt;b&gt;Ümlaut&lt;/b&gt;" in html_of(got)


def test_a_link_starts_with_the_public_url_whatever_it_ends_with(
    server: MailServer, settings: Settings, report: Make, mail: Make, attempt: Callable[[Job], Job]
) -> None:
    settings.PUBLIC_URL = "https://example.org/longhaul/"
    about = report()
    one = attempt(mail(about))
    [got] = server.mails
    assert f"Open the report: https://example.org/longhaul/reports/{about.pk}\n" in text_of(got)
    assert got["Message-ID"] == f"<{one.pk}@example.org>"
