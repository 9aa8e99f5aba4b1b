"""One thread looks for the end of all jobs that requests of the process wait for."""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from jobs.api.end_polling import LINGER_SECONDS, Awaited, EndPoller, ended_or_due
from jobs.models import Job
from jobs.states import State
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Job]


@pytest.fixture
def poller() -> Iterator[EndPoller]:
    """One of the test's own. Its thread has ended after the test."""
    poller = EndPoller()
    yield poller
    for awaited in list(poller._awaited):
        poller.remove(awaited)
    wait_until(lambda: poller._thread is None, timeout=10 * LINGER_SECONDS, message="the thread ends")


def awaited(job: Job, *, seconds: float = 60) -> Awaited:
    return Awaited(job.pk, until=time.monotonic() + seconds)


def sessions(others: Collection[int] = ()) -> list[int]:
    """The process ids of the sessions that have asked for jobs, without `others`: those of a web server.

    PostgreSQL shows the beginning of a statement only.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE '%SELECT jobs_job.id%'"
            " AND pid <> pg_backend_pid() AND datname = current_database()"
        )
        return [pid for (pid,) in cursor.fetchall() if pid not in others]


def test_one_statement_reads_what_has_ended_or_is_due(
    make_job: Make, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    jobs = {state: make_job(state=state, finished_at=Now()) for state in State}
    late, other = make_job(), make_job(state=State.SUCCEEDED, finished_at=Now())
    wanted = [*(job.pk for job in jobs.values()), late.pk, uuid4()]
    with django_assert_num_queries(1):
        rows = ended_or_due(wanted, due=[late.pk])
    ended = {jobs[state].pk for state in (State.SUCCEEDED, State.DEAD, State.CANCELLED)}
    assert rows.keys() == {*ended, late.pk}
    assert other.pk not in rows


def test_whoever_waits_is_told_of_the_end(poller: EndPoller, make_job: Make) -> None:
    first, second = make_job(), make_job()
    waiting = [awaited(first), awaited(first), awaited(second)]
    for one in waiting:
        poller.add(one)
    Job.objects.filter(pk=first.pk).update(state=State.SUCCEEDED)
    for one in waiting[:2]:
        assert one.is_answered.wait(20)
        assert one.job is not None
        assert (one.job.pk, one.job.state, one.job.result_artifact) == (first.pk, State.SUCCEEDED, None)
    assert not waiting[2].is_answered.is_set()
    assert poller._awaited == waiting[2:]
    assert [thread.name for thread in threading.enumerate()].count("end-poller") == 1


def test_the_last_look_is_before_the_end_of_the_wait(poller: EndPoller, make_job: Make) -> None:
    job = make_job()
    one = awaited(job, seconds=0.5)
    poller.add(one)
    Job.objects.filter(pk=job.pk).update(state=State.RUNNING)
    assert one.is_answered.wait(20)
    assert one.job is not None
    assert one.job.state == State.RUNNING


def test_a_job_that_is_gone_has_no_status(poller: EndPoller, make_job: Make) -> None:
    job = make_job()
    one = awaited(job, seconds=0.5)
    Job.objects.filter(pk=job.pk).delete()
    poller.add(one)
    assert one.is_answered.wait(20)
    assert one.job is None


def test_the_session_ends_soon_after_the_last_who_waited(poller: EndPoller, make_job: Make) -> None:
    one, others = awaited(make_job()), sessions()
    poller.add(one)
    assert len(wait_until(lambda: sessions(others), message="it has asked")) == 1
    poller.remove(one)
    wait_until(lambda: not sessions(others), timeout=10 * LINGER_SECONDS, message="its session has ended")
    assert poller._thread is None
    again = awaited(make_job(state=State.CANCELLED))
    poller.add(again)
    assert again.is_answered.wait(20), "the next thread asks"


def test_a_lost_session_costs_a_second(poller: EndPoller, make_job: Make) -> None:
    job = make_job()
    one, others = awaited(job), sessions()
    poller.add(one)
    [pid] = wait_until(lambda: sessions(others), message="it has asked")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    Job.objects.filter(pk=job.pk).update(state=State.DEAD)
    assert one.is_answered.wait(20)


@pytest.mark.parametrize(
    ("waited", "left", "failed", "pause"),
    [
        (0.0, 60, False, 0.05),
        (1.0, 60, False, 0.1),
        (1.9, 60, False, 0.19),
        (20.0, 60, False, 0.2),
        (20.0, 0.15, False, 0.1),
        (20.0, 0.01, False, 0.05),
        (0.0, 60, True, 1.0),
    ],
)
def test_the_pause_grows_with_the_shortest_wait_and_ends_before_one(
    waited: float, left: float, failed: bool, pause: float
) -> None:
    poller = EndPoller()
    poller._awaited = [
        Awaited(uuid4(), until=100.0 + end, since=100.0 - since) for end, since in ((left, waited), (90, 90))
    ]
    assert poller._next_poll(100.0, 1.0 if failed else 0.05) - 100 == pytest.approx(pause)
