"""Each answer of a receiver, and each way to give none: which of them are successes."""

import time
from collections.abc import Callable

import pytest
from pytest_django import Settings

from jobs.models import Attempt, CallbackHost, Job
from jobs.states import Outcome, State
from tests.support.receivers import Receiver
from tests.support.results import told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_is_a_success(status: int, receiver: Receiver, deliver: Callable[..., Job]) -> None:
    assert deliver(receiver.url(f"/status/{status}")).state == State.SUCCEEDED


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (302, "The receiver answered 302 Found."),
        (404, "The receiver answered 404 Not Found."),
        (408, "The receiver answered 408 Request Timeout."),
        (429, "The receiver answered 429 Too Many Requests."),
        (500, "The receiver answered 500 Internal Server Error."),
        (799, "The receiver answered 799."),
    ],
)
def test_every_other_answer_is_retried(status: int, text: str, receiver: Receiver, deliver: Callable[..., Job]) -> None:
    job = deliver(receiver.url(f"/status/{status}"))
    assert (job.state, told(job)["detail"], told(job)["retryable"]) == (State.FAILED, text, True)
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.error_message) == (Outcome.FAILED, text)
    assert (attempt.conditions or {})["httpStatus"] == status
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/hang", "did not answer within 0.5 seconds."),
        ("/slow/10", "did not answer within 0.5 seconds."),
        ("/drip", "did not answer within 0.5 seconds."),
        ("/garbage", "sent a response that is not valid HTTP."),
        ("/close", "closed the connection without a response."),
    ],
)
def test_a_receiver_that_is_no_good_is_left_within_the_deadline_and_retried(
    path: str, text: str, receiver: Receiver, deliver: Callable[..., Job]
) -> None:
    began = time.monotonic()
    job = deliver(receiver.url(path))
    assert time.monotonic() - began < 5  # it would go on for ten
    assert (job.state, told(job)["detail"]) == (State.FAILED, f"127.0.0.1 {text}")
    assert CallbackHost.objects.get().failures == 1


@pytest.mark.parametrize("interim", ["103 Early Hints", "102 Processing", "100 Continue"])
@pytest.mark.parametrize(("status", "state"), [(200, State.SUCCEEDED), (503, State.FAILED)])
def test_an_answer_is_the_one_behind_those_that_say_it_will_come(
    interim: str, status: int, state: State, receiver: Receiver, deliver: Callable[..., Job]
) -> None:
    receiver.interim = [f"HTTP/1.1 {interim}\r\nLink: </style.css>\r\n\r\n"] * 2
    job = deliver(receiver.url(f"/status/{status}"))
    assert (job.state, (Attempt.objects.get().conditions or {})["httpStatus"]) == (state, status)


def test_one_that_only_says_so_without_end_is_no_answer(receiver: Receiver, deliver: Callable[..., Job]) -> None:
    receiver.interim = ["HTTP/1.1 103 Early Hints\r\n\r\n"] * 11
    job = deliver(receiver.url("/ok"))
    assert (job.state, told(job)["detail"]) == (State.FAILED, "127.0.0.1 sent a response that is not valid HTTP.")


def test_who_changes_the_protocol_unasked_has_not_said_yes(receiver: Receiver, deliver: Callable[..., Job]) -> None:
    job = deliver(receiver.url("/status/101"))
    assert (job.state, told(job)["detail"]) == (State.FAILED, "The receiver answered 101 Switching Protocols.")


def test_a_receiver_that_drips_after_it_has_said_yes_is_not_waited_for(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings
) -> None:
    settings.CALLBACK_TIMEOUT_SECONDS = 30
    began = time.monotonic()
    assert deliver(receiver.url("/drip-success")).state == State.SUCCEEDED
    assert time.monotonic() - began < 10


def test_of_a_body_that_drips_only_its_beginning_is_kept(receiver: Receiver, deliver: Callable[..., Job]) -> None:
    job = deliver(receiver.url("/drip-body"))
    assert told(job)["detail"] == "The receiver answered 500 Internal Server Error."
    assert Attempt.objects.get().error_message.startswith("The receiver answered 500 Internal Server Error.")


def test_a_port_that_nobody_listens_on_refuses(receiver: Receiver, deliver: Callable[..., Job]) -> None:
    job = deliver("http://127.0.0.1:1/")
    assert (job.state, told(job)["detail"]) == (State.FAILED, "127.0.0.1 refused the connection.")


def test_a_redirect_to_a_private_address_is_not_followed(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings
) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    receiver.headers["Location"] = receiver.url("/ok", host="127.0.0.2")
    job = deliver(receiver.url("/status/307"))
    assert (job.state, told(job)["detail"]) == (State.FAILED, "The receiver answered 307 Temporary Redirect.")
    assert [request.path for request in receiver.received] == ["/status/307"]
