"""What is told of a job in each of its states, and what that costs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.estimates import estimate as estimates
from jobs.estimates.estimate import Estimate, estimate, estimate_listed
from jobs.estimates.waiting_reasons import QUEUE_PAUSED
from jobs.models import Job, Queue, RecentRuns
from jobs.states import State

pytestmark = pytest.mark.django_db


def took(*seconds: float, of: str = "yearly") -> None:
    nothing = {"rows": [0] * len(seconds), "rows_expected": [None] * len(seconds)}
    RecentRuns.objects.create(kind="test", type=of, seconds=list(seconds), **nothing)


def about(seconds: float, *, within: float = 0.5) -> Any:
    return pytest.approx(seconds, abs=within)


@pytest.fixture
def job_in(make_job: Callable[..., Job]) -> Callable[..., Job]:
    """A job of the type yearly; a running one has begun four seconds ago."""

    def make(state: State, **values: Any) -> Job:
        usual: dict[str, Any] = {"type": "yearly", "released_at": None}
        if state == State.RUNNING:
            now = timezone.now()
            usual |= {"started_at": now - timedelta(seconds=4), "updated_at": now, "lease_expires_at": now}
        return make_job(state=state, **(usual | values))

    return make


def test_a_queued_job_waits_and_then_takes_what_its_type_does(
    job_in: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    took(9, 10, 11)
    job_in(State.RUNNING)
    job_in(State.QUEUED)
    job = job_in(State.QUEUED)
    with django_assert_num_queries(2):
        known = estimate(job)
    assert known == Estimate(2, about(16, within=2), about(26, within=2))


def test_a_type_that_has_no_history_is_told_its_wait_only(job_in: Callable[..., Job]) -> None:
    took(10, 10, 10, of="daily")
    job_in(State.RUNNING, type="daily")
    assert estimate(job_in(State.QUEUED)) == Estimate(1, about(6), None)


def test_where_nobody_knows_the_wait_nothing_but_the_place_is_told(job_in: Callable[..., Job]) -> None:
    took(9, 10, 11)
    assert estimate(job_in(State.QUEUED)) == Estimate(place=1), "nothing runs, and nothing has ended"
    job_in(State.RUNNING)
    Queue.objects.filter(name="reports").update(paused=True)
    assert estimate(job_in(State.QUEUED)) == Estimate(place=2, reason=QUEUE_PAUSED)


def test_ahead_of_who_waits_are_those_that_no_worker_has_come_for(job_in: Callable[..., Job]) -> None:
    long_ago = timezone.now() - timedelta(minutes=4)
    handed_out = [job_in(State.QUEUED, released_at=long_ago + timedelta(seconds=number)) for number in range(3)]
    waiting = [job_in(State.QUEUED) for _ in range(2)]
    assert [estimate(job).place for job in (*handed_out, *waiting)] == [1, 2, 3, 4, 5]


def test_far_back_nothing_is_told(
    job_in: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(estimates, "LONGEST_COUNTED", 2)
    took(9, 10, 11)
    job_in(State.RUNNING)
    first, second, third = (job_in(State.QUEUED) for _ in range(3))
    assert (estimate(first).place, estimate(second).place) == (1, 2)
    with django_assert_num_queries(1):
        assert estimate(third) == Estimate()


def test_a_job_that_is_handed_out_is_next_and_takes_what_its_type_does(
    job_in: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    took(9, 10, 11)
    job = job_in(State.QUEUED, released_at=timezone.now())
    job.released_at = None  # as its order returned it
    with django_assert_num_queries(1):
        assert estimate(job) == Estimate(1, 0, 10)


def test_a_new_job_that_found_no_place_waits_behind_those_before_it(
    job_in: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    took(9, 10, 11)
    job_in(State.RUNNING)
    job_in(State.QUEUED)
    job = job_in(State.QUEUED)
    with django_assert_num_queries(2):  # the flow of the queue and what goes ahead; the running ones
        assert estimate(job) == Estimate(2, about(16, within=2), about(26, within=2))


def test_a_postponed_job_has_no_place_and_waits_until_it_comes_back(
    job_in: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    took(9, 10, 11)
    job = job_in(State.QUEUED, due=False, scheduled_at=timezone.now() + timedelta(seconds=60))
    with django_assert_num_queries(1):
        assert estimate(job) == Estimate(None, about(60), about(70))


def test_a_running_job_is_told_what_is_left(
    job_in: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = job_in(State.RUNNING)
    with django_assert_num_queries(1):
        assert estimate(job) == Estimate()
    took(9, 10, 11)
    assert estimate(job_in(State.RUNNING)) == Estimate(left=about(6))
    assert estimate(job_in(State.RUNNING, started_at=None)) == Estimate()


def test_a_job_that_is_to_be_cancelled_is_told_nothing(job_in: Callable[..., Job]) -> None:
    took(9, 10, 11)
    assert estimate(job_in(State.RUNNING, cancel_requested_at=timezone.now())) == Estimate()


def test_a_job_that_waits_for_its_retry_takes_what_its_type_does_from_then_on(job_in: Callable[..., Job]) -> None:
    soon = timezone.now() + timedelta(seconds=30)
    assert estimate(job_in(State.FAILED, retry_at=soon)) == Estimate()
    took(9, 10, 11)
    assert estimate(job_in(State.FAILED, retry_at=soon)) == Estimate(left=about(40))
    late = timezone.now() - timedelta(seconds=30)
    assert estimate(job_in(State.FAILED, retry_at=late)) == Estimate(left=10)
    assert estimate(job_in(State.FAILED, retry_at=None)) == Estimate()


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.DEAD, State.CANCELLED])
def test_of_a_job_that_has_ended_nothing_is_asked(
    state: State, job_in: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = job_in(state, started_at=timezone.now())
    with django_assert_num_queries(0):
        assert estimate(job) == Estimate()


def test_a_list_costs_one_query_and_none_where_nothing_has_begun(
    job_in: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    took(9, 10, 11)
    took(19, 20, 21, of="daily")
    jobs = [
        job_in(State.RUNNING), job_in(State.RUNNING, type="daily"), job_in(State.RUNNING, type="new"),
        job_in(State.QUEUED), job_in(State.SUCCEEDED), job_in(State.FAILED, retry_at=timezone.now()),
    ]  # fmt: skip
    with django_assert_num_queries(1):
        found = [known.left for known in estimate_listed(jobs)]
    assert found == [about(6), about(16), None, None, None, pytest.approx(10)]
    with django_assert_num_queries(0):
        estimate_listed([job for job in jobs if job.state == State.QUEUED])
        estimate_listed([])
