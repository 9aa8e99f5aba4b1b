"""Deliveries to real receivers: how each one ends, and what is kept of it."""

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


def test_a_delivery_that_is_nobodys_any_more_is_not_sent(receiver: Receiver, deliver: Callable[..., Job]) -> None:
    job = deliver(receiver.url("/ok"), owner=None)
    assert (job.state, told(job)["code"], receiver.received) == (State.DEAD, "no-owner", [])


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
