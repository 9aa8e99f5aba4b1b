"""A worker for callbacks that is killed while a receiver holds it."""

from collections.abc import Iterator

import pytest
from standardwebhooks.webhooks import Webhook

from jobs.models import Attempt, CallbackHost
from jobs.states import State
from jobs.webhooks.replaying import deliver_test
from jobs.webhooks.signing import rotate_secret
from tests.support.fault import Fault
from tests.support.receivers import Receiver, receiving
from tests.support.stack import Stack
from tests.support.waiting import wait_until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def test_sigkill_in_the_middle_of_a_delivery(fault: Fault, stack: Stack, receiver: Receiver) -> None:
    """The receiver had the message and never answered: it is told once more, and sees by the id that it is the same."""
    secret = rotate_secret(fault.owner).value
    job = deliver_test(fault.owner, url=receiver.url("/hang-once"))
    with stack.running("worker-callbacks", CALLBACK_TIMEOUT_SECONDS="15"):
        wait_until(lambda: receiver.received, message="the receiver is called")
        stack.kill("worker-callbacks")
    with stack.running("worker-callbacks"):
        done = fault.mend_until(job, State.SUCCEEDED)
        fault.mend()
    assert done.attempt_count == 2
    assert fault.outcomes(job) == ["lost", "succeeded"]
    assert fault.story(job) == [
        "submitted", "released", "started", "rescued", "retried", "released", "started", "completed"
    ]  # fmt: skip
    assert Attempt.objects.get(job=job, number=1).error_class == "jobs.errors.WorkerLostError"
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == job.payload["message"]
    assert Webhook(secret).verify(first.body, first.headers) == Webhook(secret).verify(second.body, second.headers)
    assert not CallbackHost.objects.exists()  # that a worker is gone says nothing of the host
