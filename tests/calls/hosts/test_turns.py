"""Turns in one process: limits, closed and broken hosts, waits that end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from calls.hosts.closing import close_host
from calls.hosts.gatekeeper import stop_gatekeeper
from calls.hosts.turns import Turn, taking_turn
from calls.models import Host
from calls.models import Turn as TurnRow
from calls.types import Host as Limits
from jobs.context import JobContext
from jobs.errors import CancelRequestedError, PostponedError
from jobs.models import Job
from tests.support.threads import Threads
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

HOST = "api.example:8443"


def refused(context: JobContext, limits: Limits | None = None, host: str = HOST) -> PostponedError:
    with pytest.raises(PostponedError) as error, taking_turn(context, host, limits):
        pytest.fail("it got a turn")
    return error.value


def seconds_of(error: PostponedError) -> float:
    assert error.delay is not None
    return error.delay.total_seconds()


def fail(context: JobContext, times: int = 1, limits: Limits | None = None) -> None:
    for _ in range(times):
        with taking_turn(context, HOST, limits) as turn:
            turn.fail("503 Service Unavailable")


def found(**values: Any) -> Host:
    """The host, once its row has these values."""
    wait_until(lambda: Host.objects.filter(**values).exists())
    return Host.objects.get(**values)


def failures() -> int:
    return Host.objects.filter(host=HOST).values_list("failures", flat=True).first() or 0


def is_open() -> bool:
    return Host.objects.filter(host=HOST, open_until=None).exists()


def test_no_more_requests_are_in_flight_than_the_limit_allows(running: Callable[[], JobContext]) -> None:
    contexts = [running() for _ in range(8)]
    now = most = 0
    lock = threading.Lock()

    def call(context: JobContext) -> None:
        nonlocal now, most
        for _ in range(5):
            with taking_turn(context, HOST, Limits(in_flight=3)):
                with lock:
                    now += 1
                    most = max(most, now)
                time.sleep(0.01)  # so that requests overlap wherever a turn too many is given
                with lock:
                    now -= 1

    with Threads(8) as pool:
        list(pool.map(call, contexts))
    assert most == 3
    row = found(host=HOST, taken=0)
    assert (row.declared, row.in_flight, row.per_second) == (True, 3, None)
    assert not TurnRow.objects.exists()


def test_a_worker_that_has_stopped_keeps_no_turn(running: Callable[[], JobContext]) -> None:
    with taking_turn(running(), HOST, Limits(in_flight=1)):
        assert TurnRow.objects.count() == 1
    stop_gatekeeper()
    assert not TurnRow.objects.exists()


def test_no_more_requests_begin_per_second_than_the_limit_allows(running: Callable[[], JobContext]) -> None:
    contexts = [running() for _ in range(6)]
    starts: list[float] = []

    def call(context: JobContext) -> None:
        for _ in range(10):
            with taking_turn(context, HOST, Limits(per_second=40)):
                starts.append(time.monotonic())

    with Threads(6) as pool:
        list(pool.map(call, contexts))
    starts.sort()
    assert len(starts) == 60
    assert starts[-1] - starts[0] > 59 / 40 * 1.06 - 0.05  # each turn is used up to 35 ms late
    assert all(starts[place + 40] - starts[place] > 1.0 for place in range(20))


def test_the_limits_of_the_staff_count_and_not_those_of_the_class(running: Callable[[], JobContext]) -> None:
    Host.objects.create(host=HOST, in_flight=1)
    first, second = running(), running()
    with taking_turn(first, HOST, Limits(in_flight=9)):
        assert Host.objects.get().taken == 1
        began = time.monotonic()
        assert seconds_of(refused(second, Limits(in_flight=9))) == pytest.approx(1.0, abs=0.1)
        assert 2.9 < time.monotonic() - began < 6
    assert Host.objects.get().declared is False or Host.objects.get().in_flight == 1


def test_the_turn_of_a_worker_that_was_killed_is_taken_by_the_next(running: Callable[[], JobContext]) -> None:
    gone, other, live = running(), running(), running()
    Host.objects.create(host=HOST, in_flight=2, taken=2)
    for each in (gone, other):
        TurnRow.objects.create(host_id=HOST, job_id=each.job.pk, fencing_token=7)
    Job.objects.filter(pk=gone.job.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    with taking_turn(live, HOST, None):
        assert set(TurnRow.objects.values_list("job_id", flat=True)) == {other.job.pk, live.job.pk}
        assert Host.objects.get().taken == 2
    Job.objects.filter(pk=other.job.pk).update(fencing_token=8)
    TurnRow.objects.create(host_id=HOST, job_id=uuid4(), fencing_token=7)
    wait_until(lambda: Host.objects.get().taken == 1)
    Host.objects.update(taken=2)
    with taking_turn(live, HOST, None):
        assert set(TurnRow.objects.values_list("job_id", flat=True)) == {live.job.pk}


def test_a_closed_host_postpones_its_jobs_to_the_times_at_which_it_can_take_them(
    running: Callable[[], JobContext],
) -> None:
    Host.objects.create(host=HOST, per_second=10)
    close_host(HOST, seconds=20, reason="429 Too Many Requests")
    close_host(HOST, seconds=5, reason="later, but shorter")
    errors = [refused(running()) for _ in range(4)]
    assert str(errors[0]) == f"{HOST} is closed: 429 Too Many Requests"
    assert errors[0].public == "A remote service is not to be called for a while."
    began = seconds_of(errors[0])
    assert 18 < began <= 20
    assert seconds_of(errors[-1]) > began
    resumes = Host.objects.get()
    assert resumes.resume_at is not None
    assert resumes.closed_until is not None
    assert (resumes.resume_at - resumes.closed_until).total_seconds() == pytest.approx(0.4, abs=0.001)


def test_a_closing_is_bounded(settings: Settings) -> None:
    settings.CALL_HOST_LONGEST_CLOSED_SECONDS = 60
    close_host("A.Example", seconds=10**9, reason="r" * 300)
    row = Host.objects.get(host="a.example")
    assert row.closed_until is not None
    assert 58 < (row.closed_until - timezone.now()).total_seconds() <= 60
    assert row.closed_reason == "r" * 200


def test_a_host_that_closes_for_a_moment_is_waited_for(running: Callable[[], JobContext]) -> None:
    close_host(HOST, seconds=1, reason="soon")
    began = time.monotonic()
    with taking_turn(running(), HOST, None) as turn:
        assert 0.8 < time.monotonic() - began < 3
        assert 0.8 < turn.waited_seconds < 3


def test_a_host_without_limits_costs_no_statement_per_request(running: Callable[[], JobContext]) -> None:
    context = running()
    asked: list[str] = []

    def call() -> None:
        with CaptureQueriesContext(connection) as queries:
            for _ in range(20):
                with taking_turn(context, HOST, None) as turn:
                    turn.succeed()
        asked.extend(query["sql"] for query in queries)

    call()
    assert asked == []
    assert not Host.objects.exists()


def test_the_circuit_opens_after_failures_in_a_row(settings: Settings, running: Callable[[], JobContext]) -> None:
    settings.CALL_CIRCUIT_FAILURES = 3
    context = running()
    fail(context, 2)
    wait_until(lambda: failures() == 2)

    def succeed() -> bool:
        with taking_turn(context, HOST, None) as turn:
            turn.succeed()
        return failures() == 0

    wait_until(succeed)
    fail(context, 3)
    wait_until(lambda: not is_open())
    error = refused(context)
    assert str(error) == f"{HOST} keeps failing: 503 Service Unavailable"
    assert 25 < seconds_of(error) <= 30


def test_one_request_probes_a_broken_host(settings: Settings, running: Callable[[], JobContext]) -> None:
    Host.objects.create(host=HOST, failures=5, openings=1, open_until=Now() - timedelta(seconds=1))
    probe, other = running(), running()
    with taking_turn(probe, HOST, None) as turn:
        assert Host.objects.get().probing
        error = refused(other)
        assert 1 <= seconds_of(error) <= 5.1
        turn.fail("still")
    row = found(openings=2, probing=False)
    assert row.open_until is not None
    assert 55 < (row.open_until - timezone.now()).total_seconds() <= 60
    Host.objects.update(open_until=Now() - timedelta(seconds=1))
    with taking_turn(probe, HOST, None) as turn:
        turn.succeed()
    row = found(open_until=None)
    assert (row.failures, row.openings, row.probing) == (0, 0, False)


def test_a_thread_that_waits_leaves_at_once_when_its_attempt_must_stop(running: Callable[[], JobContext]) -> None:
    Host.objects.create(host=HOST, in_flight=1)
    holds, waits = running(), running()
    with taking_turn(holds, HOST, None), Threads(1) as pool:

        def wait() -> float:
            try:
                with taking_turn(waits, HOST, None):
                    pytest.fail("it got a turn")
            except CancelRequestedError:
                return time.monotonic()

        left = pool.submit(wait)
        wait_until(lambda: waits._interrupts)
        stopped_at = time.monotonic()
        waits.stop(CancelRequestedError("canceled"))
        assert left.result() - stopped_at < 0.5
    wait_until(lambda: Host.objects.get().taken == 0)


def test_a_crowd_is_postponed_and_others_are_not_delayed(settings: Settings, running: Callable[[], JobContext]) -> None:
    settings.CALL_TURN_WAITERS = 4
    Host.objects.create(host=HOST, in_flight=1)
    contexts = [running() for _ in range(10)]
    with taking_turn(running(), HOST, None), Threads(10) as pool:
        began = time.monotonic()
        results = [pool.submit(refused, each) for each in contexts]
        wait_until(lambda: sum(each.done() for each in results) == 6)
        assert time.monotonic() - began < 2
        with taking_turn(running(), "other.example", None) as turn:
            assert turn.waited_seconds < 1
        delays = sorted(seconds_of(each.result()) for each in results)
    assert delays[-1] - delays[0] > 4


def test_threads_of_a_job_wait_for_each_other_as_long_as_it_takes(
    settings: Settings, running: Callable[[], JobContext]
) -> None:
    settings.CALL_TURN_WAIT_SECONDS = 0.4
    Host.objects.create(host=HOST, per_second=10)
    context = running()

    def call(number: int) -> Any:
        with taking_turn(context, HOST, None):
            return number

    with Threads(15) as pool:
        assert list(pool.map(call, range(15))) == list(range(15))


def test_an_error_in_the_block_gives_the_turn_back(running: Callable[[], JobContext]) -> None:
    with pytest.raises(ZeroDivisionError), taking_turn(running(), HOST, Limits(in_flight=1)):
        raise ZeroDivisionError
    row = found(taken=0)
    assert row.failures == 0


def test_a_turn_says_how_it_ended() -> None:
    turn = Turn()
    turn.fail("no")
    assert (turn.ok, turn.error) == (False, "no")
    turn.succeed()
    assert turn.ok is True
