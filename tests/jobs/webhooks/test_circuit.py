"""A host that keeps failing is left in peace, for longer and longer."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.models import Attempt, CallbackHost, Job
from jobs.states import Outcome, State
from jobs.sweeps import prune_callback_hosts
from jobs.webhooks.circuit import CircuitOpenError, note_answer, note_failure, pass_circuit
from tests.jobs.webhooks.receivers import Receiver
from tests.threads import Threads

pytestmark = pytest.mark.django_db(transaction=True)

HOST = "example.com"


def fail(times: int = 1, *, is_probe: bool = False) -> bool:
    return [note_failure(HOST, is_probe=is_probe, error="no") for _ in range(times)][-1]


def open_seconds() -> float:
    row = CallbackHost.objects.get()
    assert row.open_until is not None
    return (row.open_until - row.updated_at).total_seconds()


def let_time_pass() -> None:
    CallbackHost.objects.update(open_until=Now())


def test_it_opens_after_enough_failures_in_a_row(settings: Settings) -> None:
    assert not fail(4)
    assert pass_circuit(HOST) is False
    note_answer(HOST)
    assert not fail(4)
    assert fail()
    with pytest.raises(CircuitOpenError, match=r"example\.com keeps failing") as error:
        pass_circuit(HOST)
    assert error.value.delay is not None
    assert timedelta(seconds=60) < error.value.delay < timedelta(seconds=1 + 60 * 1.25)
    assert pass_circuit("another.example.com") is False


def test_a_threshold_of_one_opens_at_the_first(settings: Settings) -> None:
    settings.CALLBACK_CIRCUIT_FAILURES = 1
    assert fail()
    assert open_seconds() == pytest.approx(60, abs=1)


def test_one_delivery_goes_first_and_an_answer_closes_it() -> None:
    fail(5)
    let_time_pass()
    assert pass_circuit(HOST) is True
    with pytest.raises(CircuitOpenError):
        pass_circuit(HOST)
    note_answer(HOST)
    assert pass_circuit(HOST) is False
    assert not CallbackHost.objects.exists()


def test_each_probe_that_fails_opens_it_for_twice_as_long_up_to_a_bound(settings: Settings) -> None:
    settings.CALLBACK_CIRCUIT_LONGEST_OPEN_SECONDS = 500.0
    fail(5)
    seen = [open_seconds()]
    for _ in range(4):
        let_time_pass()
        assert pass_circuit(HOST)
        fail(is_probe=True)
        seen.append(open_seconds())
    assert seen == pytest.approx([60, 120, 240, 480, 500], abs=1)


def test_a_failure_that_was_under_way_while_it_opened_opens_it_no_longer() -> None:
    fail(6)
    assert CallbackHost.objects.get().openings == 1
    assert open_seconds() < 60.1


def test_a_probe_that_is_never_heard_of_again_makes_room_for_the_next() -> None:
    fail(5)
    let_time_pass()
    assert pass_circuit(HOST)
    assert open_seconds() == pytest.approx(30, abs=1)
    let_time_pass()
    assert pass_circuit(HOST)


def test_of_several_at_once_one_is_the_probe() -> None:
    fail(5)
    let_time_pass()

    def passes() -> bool:
        try:
            return pass_circuit(HOST)
        except CircuitOpenError:
            return False

    with Threads(4) as threads:
        assert sorted(threads.map(lambda _: passes(), range(4))) == [False, False, False, True]


def test_failures_at_once_are_all_counted() -> None:
    with Threads(4) as threads:
        list(threads.map(lambda _: fail(), range(8)))
    assert CallbackHost.objects.get().failures == 8


def test_a_healthy_host_costs_a_look_and_a_delete(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(2):
        pass_circuit(HOST)
        note_answer(HOST)


def test_while_it_is_open_a_delivery_waits_and_burns_no_attempt(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings
) -> None:
    settings.CALLBACK_CIRCUIT_FAILURES = 2
    for _ in range(2):
        assert deliver(receiver.url("/status/500")).state == State.FAILED
    job = deliver(receiver.url("/ok"))
    assert (job.state, job.attempt_count, job.due) == (State.QUEUED, 0, False)
    assert job.scheduled_at is not None
    assert job.scheduled_at - job.updated_at > timedelta(seconds=55)
    attempt = Attempt.objects.get(job=job)
    assert (attempt.outcome, attempt.error_message) == (
        Outcome.HANDED_BACK, "127.0.0.1 keeps failing; nothing is sent to it for now"
    )  # fmt: skip
    assert len(receiver.received) == 2
    let_time_pass()
    assert deliver(receiver.url("/ok")).state == State.SUCCEEDED
    assert not CallbackHost.objects.exists()


@pytest.mark.parametrize("path", ["/status/404", "/status/302", "/status/410"])
def test_an_answer_that_only_says_something_of_the_url_closes_it(
    path: str, receiver: Receiver, deliver: Callable[..., Job]
) -> None:
    note_failure("127.0.0.1", is_probe=False, error="no")
    deliver(receiver.url(path))
    assert not CallbackHost.objects.exists()


def test_a_delivery_that_has_waited_for_a_day_gives_up_where_the_host_still_fails(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings
) -> None:
    settings.CALLBACK_CIRCUIT_FAILURES = 1
    note_failure("127.0.0.1", is_probe=False, error="no")
    a_day_ago = timezone.now() - timedelta(hours=24)
    job = deliver(receiver.url("/ok"), created_at=a_day_ago)
    assert (job.state, (job.result or {})["error"]["code"]) == (State.DEAD, "receiver-unreachable")
    note_answer("127.0.0.1")
    assert deliver(receiver.url("/ok"), created_at=a_day_ago).state == State.SUCCEEDED


def test_hosts_that_nothing_was_sent_to_for_long_are_forgotten(settings: Settings) -> None:
    fail()
    assert prune_callback_hosts() == 0
    CallbackHost.objects.update(updated_at=timezone.now() - timedelta(days=settings.HISTORY_DAYS, seconds=1))
    assert prune_callback_hosts() == 1
