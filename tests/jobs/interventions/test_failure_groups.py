"""Equal failures together."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from jobs.interventions.failure_groups import TREND_HOURS, failure_groups
from jobs.models import Attempt, Job
from jobs.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def failing(make_job: Callable[..., Job]) -> Callable[..., Job]:
    def make(fingerprint: str, state: State = State.DEAD, hours_ago: tuple[float, ...] = ()) -> Job:
        job = make_job(state=state, error_fingerprint=fingerprint, error_class=f"E{fingerprint}", type="t")
        for number, hours in enumerate(hours_ago, 1):
            Attempt.objects.create(
                job=job, number=number, fencing_token=number, worker="w", error_fingerprint=fingerprint,
                finished_at=Now() - timedelta(hours=hours),
            )  # fmt: skip
        return job

    return make


def test_jobs_are_grouped_by_fingerprint_the_largest_group_first(failing: Callable[..., Job]) -> None:
    failing("b")
    jobs = [failing("a"), failing("a", State.FAILED), failing("a")]
    failing("c", State.SUCCEEDED)
    groups = failure_groups()
    assert [(group.fingerprint, group.dead, group.failed) for group in groups] == [("a", 2, 1), ("b", 1, 0)]
    first = groups[0]
    assert (first.kind, first.error_class, first.example) == ("test t", "Ea", jobs[-1])
    assert (first.first_at, first.last_at) == (jobs[0].updated_at, jobs[-1].updated_at)


def test_the_trend_counts_failed_attempts_by_the_hour(failing: Callable[..., Job]) -> None:
    failing("a", hours_ago=(0, 0, 3, 30))
    failing("b")
    [a, b] = failure_groups()
    assert (len(a.trend), a.trend[-1], sum(a.trend)) == (TREND_HOURS, 2, 3)
    assert a.trend[-4] == 1
    assert sum(b.trend) == 0


def test_it_takes_as_many_queries_for_many_groups_as_for_one(
    failing: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    failing("a")
    with django_assert_num_queries(3):
        failure_groups()
    for name in "bcdef":
        failing(name)
    with django_assert_num_queries(3):
        assert len(failure_groups()) == 6


def test_nothing_fails() -> None:
    assert failure_groups() == []
