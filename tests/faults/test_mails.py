"""A worker that is killed, or stopped, while the mail server holds it."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from jobs.mailing.queueing import queue_mail
from jobs.mailing.topics import Topic
from jobs.models import Attempt
from jobs.states import State
from tests.support.fault import Fault
from tests.support.smtp import HANG, PUBLIC_URL, MailServer, mail_server, send_mail_to
from tests.support.stack import Stack
from tests.support.waiting import wait_until


@pytest.fixture
def server(fault: Fault, settings: Settings) -> Iterator[MailServer]:
    """The owner has an address."""
    fault.owner.email = "ada@example.com"
    fault.owner.save()
    with mail_server() as running:
        send_mail_to(settings, running)
        yield running


def environment(server: MailServer) -> dict[str, str]:
    return {
        "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
        "PUBLIC_URL": PUBLIC_URL,
        "DEFAULT_FROM_EMAIL": "longhaul@example.org",
        "EMAIL_TIMEOUT_SECONDS": "60",
    }


def test_sigkill_in_the_middle_of_a_mail(fault: Fault, stack: Stack, server: MailServer) -> None:
    """The server had the text and never answered: it gets the mail once more, with the same Message-ID."""
    server.at_data = [HANG]
    facts = {"name": "Every Monday", "url": "/schedules/7", "reason": "Its type is gone."}
    job = queue_mail(fault.owner, Topic.SCHEDULE_PAUSED, facts=facts, of="schedule")
    assert job is not None
    with stack.running("worker-callbacks", **environment(server)):
        wait_until(lambda: server.mails, message="the server has the text")
        stack.kill("worker-callbacks")
    with stack.running("worker-callbacks", **environment(server)):
        done = fault.mend_until(job, State.SUCCEEDED)
    assert (done.attempt_count, fault.outcomes(job)) == (2, ["lost", "succeeded"])
    assert list(Attempt.objects.filter(job=job).order_by("number").values_list("conditions", flat=True)) == [
        {"mail": "sent, no answer"}, {"mail": "answered"}
    ]  # fmt: skip
    assert [mail["Message-ID"] for mail in server.mails] == [f"<{job.pk}@longhaul.example.org>"] * 2


def test_a_mail_that_is_sent_and_hangs_ends_when_the_worker_is_stopped(
    fault: Fault, stack: Stack, server: MailServer
) -> None:
    """SIGTERM closes the connection, although the server would keep it for a minute."""
    server.at_rcpt = [HANG]
    facts = {"name": "Every Monday", "url": "/schedules/7", "reason": "Its type is gone."}
    job = queue_mail(fault.owner, Topic.SCHEDULE_PAUSED, facts=facts, of="schedule")
    assert job is not None
    with stack.running("worker-callbacks", **environment(server)):
        wait_until(lambda: server.asked, message="the server is asked")
        stack.stop("worker-callbacks")
    fault.wait_for(job, State.QUEUED)
    assert fault.outcomes(job) == ["handed_back"]
    assert server.mails == []
