"""Deliveries to real receivers: how each one ends, and what is kept of it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook

from jobs.context import JobContext
from jobs.errors import WorkerStoppingError
from jobs.models import Attempt, CallbackEndpoint, CallbackHost, Job, Queue
from jobs.retry import backoff
from jobs.states import Outcome, State
from jobs.webhooks.kind import KIND
from jobs.webhooks.signing import rotate_secret
from jobs.worker.execution import execute_job
from tests.support.receivers import Receiver
from tests.support.results import told
from tests.support.threads import Threads
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_verifier_of_standard_webhooks_accepts_what_is_sent(
    receiver: Receiver, deliver: Callable[..., Job], owner: User
) -> None:
    secret = rotate_secret(owner).value
    job = deliver(receiver.url("/ok?key=s3cret"))
    assert job.state == State.SUCCEEDED
    assert (job.result or {})["httpStatus"] == 204
    assert Attempt.objects.get().conditions == job.result
    [request] = receiver.received
    assert request.path == "/ok?key=s3cret"
    assert Webhook(secret).verify(request.body, request.headers) == {
        "type": "test.completed",
        "timestamp": "2026-01-02T03:04:05Z",
        "data": {"id": "7", "status": "é"},
    }
    assert list(Webhook(secret).verify(request.body, request.headers)) == ["type", "timestamp", "data"]
    assert request.headers["webhook-id"] == "msg_1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == "Longhaul-Callbacks/1"
    assert request.headers["Host"] == f"127.0.0.1:{receiver.port}"


def test_a_retry_has_the_same_id_and_body_and_a_signature_of_its_own_time(
    receiver: Receiver, deliver: Callable[..., Job], owner: User
) -> None:
    """Its time is the database's: a worker whose clock is wrong signs what is accepted all the same."""
    secret = rotate_secret(owner).value
    job = deliver(receiver.url("/status/500"))
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, retry_at=None, released_at=timezone.now())
    execute_job(job.pk, worker="test")
    first, second = receiver.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    for attempt, request in zip(job.attempts.all(), receiver.received, strict=True):
        assert int(request.headers["webhook-timestamp"]) == int(attempt.started_at.timestamp())
        assert Webhook(secret).verify(request.body, request.headers)


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


def test_a_delivery_that_is_nobodys_any_more_is_not_sent(receiver: Receiver, deliver: Callable[..., Job]) -> None:
    job = deliver(receiver.url("/ok"), owner=None)
    assert (job.state, told(job)["code"], receiver.received) == (State.DEAD, "no-owner", [])


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


def test_of_an_answer_the_staff_see_the_beginning_without_secrets_and_the_owner_nothing(
    receiver: Receiver, deliver: Callable[..., Job]
) -> None:
    receiver.body = b"cannot reach 10.1.2.3, password=hunter2 \x00\n" + b"x" * 5000
    job = deliver(receiver.url("/status/500"))
    assert told(job)["detail"] == "The receiver answered 500 Internal Server Error."
    message = Attempt.objects.get().error_message
    assert "cannot reach 10.1.2.3, password=***" in message
    assert len(message) < 600


def test_neither_url_nor_secret_stands_in_an_error_or_traceback(
    receiver: Receiver, deliver: Callable[..., Job], owner: User
) -> None:
    secret = rotate_secret(owner).value
    for path in ("/hang?key=s3cret", "/status/500?key=s3cret", "/status/410?key=s3cret"):
        deliver(receiver.url(path))
    for attempt in Attempt.objects.all():
        kept = f"{attempt.error_message} {attempt.traceback} {attempt.job.error_message} {attempt.job.result}"
        assert attempt.traceback
        assert "s3cret" not in kept
        assert secret.removeprefix("whsec_") not in kept


@pytest.mark.parametrize(("value", "least", "most"), [("7200", 7200, 7200), ("999999", 14400, 14400), ("soon", 0, 20)])
def test_the_receiver_may_say_when_to_come_back_within_bounds(
    value: str, least: int, most: int, receiver: Receiver, deliver: Callable[..., Job]
) -> None:
    receiver.headers["Retry-After"] = value
    job = deliver(receiver.url("/status/503"))
    assert job.retry_at is not None
    seconds = (job.retry_at - job.updated_at).total_seconds()
    assert least - 1 <= seconds <= most + 1


def test_410_disables_the_endpoint_and_ends_this_and_later_deliveries(
    receiver: Receiver, deliver: Callable[..., Job], owner: User
) -> None:
    job = deliver(receiver.url("/status/410"))
    assert (job.state, told(job)["code"]) == (State.DEAD, "gone")
    endpoint = CallbackEndpoint.objects.get()
    assert (endpoint.owner, endpoint.url, endpoint.reason) == (
        owner, receiver.url("/status/410"), "The receiver answered 410 Gone."
    )  # fmt: skip
    later = deliver(receiver.url("/status/410"))
    assert (later.state, told(later)["code"]) == (State.DEAD, "endpoint-disabled")
    assert len(receiver.received) == 1
    assert deliver(receiver.url("/ok")).state == State.SUCCEEDED
    other = User.objects.create_user("eve")
    assert told(deliver(receiver.url("/status/410"), owner=other))["code"] == "gone"


def test_a_url_that_is_not_allowed_any_more_is_not_called(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings
) -> None:
    settings.CALLBACK_ALLOW_HTTP = False
    job = deliver(receiver.url("/ok"))
    assert (job.state, told(job)["code"], receiver.received) == (State.DEAD, "url-not-allowed", [])


def test_a_port_that_is_not_allowed_any_more_is_not_called(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings
) -> None:
    settings.CALLBACK_ALLOWED_PORTS = [443, 80]
    job = deliver(receiver.url("/ok"))
    assert (job.state, told(job)["code"], receiver.received) == (State.DEAD, "url-not-allowed", [])


def test_a_worker_that_stops_hands_the_delivery_back_at_once(
    receiver: Receiver, delivery: Callable[..., Job], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CALLBACK_TIMEOUT_SECONDS = 30
    Queue.objects.update(paused=True)
    contexts: list[JobContext] = []

    def remember(*arguments: Any, **options: Any) -> JobContext:
        contexts.append(JobContext(*arguments, **options))
        return contexts[-1]

    monkeypatch.setattr("jobs.worker.execution.JobContext", remember)
    job = delivery(receiver.url("/hang"))
    with Threads(1) as threads:
        running = threads.submit(execute_job, job.pk, worker="test")
        wait_until(lambda: receiver.received, message="the receiver is called")
        contexts[0].stop(WorkerStoppingError("the worker stops"))
        running.result(timeout=10)
    job.refresh_from_db()
    assert (job.state, job.attempt_count) == (State.QUEUED, 0)
    assert not CallbackHost.objects.exists()


def test_without_the_key_that_the_secrets_are_made_of_nothing_is_sent_unsigned(
    receiver: Receiver, deliver: Callable[..., Job], owner: User, settings: Settings
) -> None:
    rotate_secret(owner)
    settings.SECRET_KEY = "another"
    job = deliver(receiver.url("/ok"))
    assert (job.state, receiver.received) == (State.FAILED, [])
    assert told(job)["detail"] == "The secrets of this user are no longer valid. Rotate them."


def test_a_receiver_that_fails_for_a_while_is_told_once_it_answers(
    receiver: Receiver, deliver: Callable[..., Job]
) -> None:
    """Seven tries, of which the circuit lets the last two go as probes; then 204."""
    job = deliver(receiver.url("/mends"))
    for _ in range(6):
        try_again(job)
    assert job.state == State.FAILED
    assert CallbackHost.objects.get().openings == 3
    try_again(job)
    assert (job.state, job.attempt_count, (job.result or {})["httpStatus"]) == (State.SUCCEEDED, 8, 204)
    assert [attempt.outcome for attempt in job.attempts.all()] == [Outcome.FAILED] * 7 + [Outcome.SUCCEEDED]
    assert len({(request.headers["webhook-id"], request.body) for request in receiver.received}) == 1
    assert not CallbackHost.objects.exists()


def test_a_receiver_that_never_answers_well_leaves_a_dead_delivery(
    receiver: Receiver, deliver: Callable[..., Job]
) -> None:
    job = deliver(receiver.url("/status/404"), max_attempts=3)
    for _ in range(2):
        try_again(job)
    assert (job.state, told(job)["code"], told(job)["retryable"]) == (State.DEAD, "retryable-error", True)
    assert len(receiver.received) == 3


def test_the_retries_span_about_a_day() -> None:
    policy = KIND.retry_policy
    delays = [
        backoff(policy, attempt_count=count, jitter=lambda low, high: (low + high) / 2)
        for count in range(1, policy.max_attempts)
    ]
    assert timedelta(hours=22) < sum(delays, timedelta()) < timedelta(hours=26)


def try_again(job: Job) -> None:
    """As if the backoff, and the time for which the circuit is open, were over."""
    CallbackHost.objects.filter(open_until__isnull=False).update(open_until=timezone.now())
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, retry_at=None, released_at=timezone.now())
    execute_job(job.pk, worker="test")
    job.refresh_from_db()
