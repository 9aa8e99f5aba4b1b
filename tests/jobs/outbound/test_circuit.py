"""A host that keeps failing is left in peace, for longer and longer."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.interventions.dead_letter import requeue_jobs
from jobs.maintenance.history import prune_callback_hosts
from jobs.models import Attempt, CallbackHost, Job, Queue
from jobs.outbound.circuit import CircuitOpenError, check_circuit, record_failure, record_success
from jobs.outbound.urls import receiver_of
from jobs.states import Outcome, State
from jobs.worker.execution import execute_job
from tests.support.receivers import Receiver
from tests.support.threads import Threads

pytestmark = pytest.mark.django_db(transaction=True)

HOST = "example.com:443"


def fail(owner: User, times: int = 1, *, is_probe: bool = False) -> bool:
    return [record_failure(owner.pk, HOST, is_probe=is_probe, error="no") for _ in range(times)][-1]


def open_seconds() -> float:
    row = CallbackHost.objects.get()
    assert row.open_until is not None
    return (row.open_until - row.updated_at).total_seconds()


def make_due(job: Job) -> None:
    """Run the next attempt, as if the backoff or the postponement were over."""
    again = {"state": State.QUEUED, "retry_at": None, "scheduled_at": None, "due": True, "released_at": Now()}
    Job.objects.filter(pk=job.pk).update(**again)
    execute_job(job.pk, worker="test")
    job.refresh_from_db()


def let_time_pass() -> None:
    CallbackHost.objects.update(open_until=Now())


def test_it_opens_after_enough_failures_in_a_row(settings: Settings, owner: User) -> None:
    assert not fail(owner, 4)
    assert check_circuit(owner.pk, HOST) is False
    record_success(owner.pk, HOST)
    assert not fail(owner, 4)
    assert fail(owner)
    with pytest.raises(CircuitOpenError, match=r"example\.com:443 keeps failing") as error:
        check_circuit(owner.pk, HOST)
    assert error.value.delay is not None
    assert timedelta(seconds=60) < error.value.delay < timedelta(seconds=1 + 60 * 1.25)
    assert check_circuit(owner.pk, "another.example.com:443") is False


def test_a_threshold_of_one_opens_at_the_first(settings: Settings, owner: User) -> None:
    settings.CALLBACK_CIRCUIT_FAILURES = 1
    assert fail(owner)
    assert open_seconds() == pytest.approx(60, abs=1)


def test_one_delivery_goes_first_and_an_answer_closes_it(owner: User) -> None:
    fail(owner, 5)
    let_time_pass()
    assert check_circuit(owner.pk, HOST) is True
    with pytest.raises(CircuitOpenError):
        check_circuit(owner.pk, HOST)
    record_success(owner.pk, HOST)
    assert check_circuit(owner.pk, HOST) is False
    assert not CallbackHost.objects.exists()


def test_each_probe_that_fails_opens_it_for_twice_as_long_up_to_a_bound(settings: Settings, owner: User) -> None:
    settings.CALLBACK_CIRCUIT_LONGEST_OPEN_SECONDS = 500.0
    fail(owner, 5)
    seen = [open_seconds()]
    for _ in range(4):
        let_time_pass()
        assert check_circuit(owner.pk, HOST)
        fail(owner, is_probe=True)
        seen.append(open_seconds())
    assert seen == pytest.approx([60, 120, 240, 480, 500], abs=1)


def test_a_failure_that_was_under_way_while_it_opened_opens_it_no_longer(owner: User) -> None:
    fail(owner, 6)
    assert CallbackHost.objects.get().openings == 1
    assert open_seconds() < 60.1


def test_a_probe_that_is_never_heard_of_again_makes_room_for_the_next(owner: User) -> None:
    fail(owner, 5)
    let_time_pass()
    assert check_circuit(owner.pk, HOST)
    assert open_seconds() == pytest.approx(30, abs=1)
    let_time_pass()
    assert check_circuit(owner.pk, HOST)


def test_of_several_at_once_one_is_the_probe(owner: User) -> None:
    fail(owner, 5)
    let_time_pass()

    def passes() -> bool:
        try:
            return check_circuit(owner.pk, HOST)
        except CircuitOpenError:
            return False

    with Threads(4) as threads:
        assert sorted(threads.map(lambda _: passes(), range(4))) == [False, False, False, True]


def test_failures_at_once_are_all_counted(owner: User) -> None:
    with Threads(4) as threads:
        list(threads.map(lambda _: fail(owner), range(8)))
    assert CallbackHost.objects.get().failures == 8


def test_a_healthy_host_costs_a_look_and_a_delete(
    django_assert_num_queries: DjangoAssertNumQueries, owner: User
) -> None:
    with django_assert_num_queries(2):
        check_circuit(owner.pk, HOST)
        record_success(owner.pk, HOST)


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
        Outcome.HANDED_BACK, f"127.0.0.1:{receiver.port} keeps failing, so requests to it are suspended"
    )  # fmt: skip
    assert len(receiver.received) == 2
    let_time_pass()
    assert deliver(receiver.url("/ok")).state == State.SUCCEEDED
    assert not CallbackHost.objects.exists()


@pytest.mark.parametrize("path", ["/status/404", "/status/302", "/status/410"])
def test_an_answer_that_only_says_something_of_the_url_closes_it(
    path: str, receiver: Receiver, deliver: Callable[..., Job], owner: User
) -> None:
    record_failure(owner.pk, receiver_of(receiver.url()), is_probe=False, error="no")
    deliver(receiver.url(path))
    assert not CallbackHost.objects.exists()


def test_a_delivery_that_has_waited_for_a_day_gives_up_where_the_host_still_fails(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings, owner: User
) -> None:
    settings.CALLBACK_CIRCUIT_FAILURES = 1
    record_failure(owner.pk, receiver_of(receiver.url()), is_probe=False, error="no")
    a_day_ago = timezone.now() - timedelta(hours=24)
    job = deliver(receiver.url("/status/500"), created_at=a_day_ago)
    assert (job.state, job.attempt_count, receiver.received) == (State.QUEUED, 0, [])
    let_time_pass()
    make_due(job)
    assert (job.state, job.attempt_count, len(receiver.received)) == (State.FAILED, 1, 1)
    make_due(job)
    assert job.state == State.QUEUED
    Attempt.objects.update(started_at=a_day_ago)
    make_due(job)
    assert (job.state, (job.result or {})["error"]["code"]) == (State.DEAD, "receiver-unreachable")
    assert len(receiver.received) == 1


def test_a_delivery_is_never_given_up_untried(
    receiver: Receiver, deliver: Callable[..., Job], owner: User, settings: Settings
) -> None:
    """Others have opened the circuit, and have kept it open for a day; once the day is over, this one is sent once."""
    settings.CALLBACK_CIRCUIT_FAILURES = 1
    record_failure(owner.pk, receiver_of(receiver.url()), is_probe=False, error="no")
    job = deliver(receiver.url("/status/500"), created_at=timezone.now() - timedelta(hours=30))
    assert (job.state, job.attempt_count, receiver.received) == (State.QUEUED, 0, [])
    Attempt.objects.update(started_at=timezone.now() - timedelta(hours=24))
    make_due(job)
    assert (job.state, len(receiver.received)) == (State.FAILED, 1)
    make_due(job)
    assert (job.state, (job.result or {})["error"]["code"]) == (State.DEAD, "receiver-unreachable")
    assert len(receiver.received) == 1


def test_a_delivery_that_waited_in_a_paused_queue_for_a_day_has_all_its_time(
    receiver: Receiver, deliver: Callable[..., Job], owner: User, settings: Settings
) -> None:
    settings.CALLBACK_CIRCUIT_FAILURES = 1
    record_failure(owner.pk, receiver_of(receiver.url()), is_probe=False, error="no")
    job = deliver(receiver.url("/ok"), created_at=timezone.now() - timedelta(hours=30))
    assert (job.state, job.attempt_count, receiver.received) == (State.QUEUED, 0, [])


def test_a_requeued_delivery_has_all_its_time_anew(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings
) -> None:
    settings.CALLBACK_CIRCUIT_FAILURES = 1
    two_days_ago = timezone.now() - timedelta(hours=48)
    job = deliver(receiver.url("/status/500"), created_at=two_days_ago, max_attempts=1)
    Attempt.objects.update(started_at=two_days_ago)
    assert job.state == State.DEAD
    Queue.objects.update(paused=True)
    requeue_jobs([job.pk], actor="grace", reason="it is mended")
    make_due(job)
    assert (job.state, job.attempt_count, len(receiver.received)) == (State.QUEUED, 0, 1)
    let_time_pass()
    make_due(job)
    assert len(receiver.received) == 2


def test_what_fails_one_user_holds_up_nobody_else(
    receiver: Receiver, deliver: Callable[..., Job], owner: User, settings: Settings
) -> None:
    """Nor does another port of the same host."""
    settings.CALLBACK_CIRCUIT_FAILURES = 2
    mallory = User.objects.create_user("mallory")
    for _ in range(2):
        deliver(receiver.url("/status/500"), owner=mallory)
        deliver("http://127.0.0.1:1/", owner=owner)
    assert CallbackHost.objects.filter(open_until__isnull=False).count() == 2
    assert deliver(receiver.url("/ok"), owner=owner).state == State.SUCCEEDED
    assert deliver(receiver.url("/ok"), owner=mallory).state == State.QUEUED
    assert deliver("http://127.0.0.1:1/", owner=mallory).state == State.FAILED


def test_the_circuits_of_a_user_who_is_deleted_go_too(owner: User) -> None:
    eve = User.objects.create_user("eve")
    fail(eve)
    fail(owner)
    eve.delete()
    assert CallbackHost.objects.get().owner == owner


def test_hosts_that_nothing_was_sent_to_for_long_are_forgotten(settings: Settings, owner: User) -> None:
    fail(owner)
    assert prune_callback_hosts() == 0
    CallbackHost.objects.update(updated_at=timezone.now() - timedelta(days=settings.HISTORY_DAYS, seconds=1))
    assert prune_callback_hosts() == 1
