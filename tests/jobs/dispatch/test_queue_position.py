"""Who goes ahead: the same, whether few wait, who are counted, or many, who are not."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.dispatch.queue_position import count_ahead, find_ahead
from jobs.dispatch.remembered_queue import RememberedQueue
from jobs.models import Job, TypeDials
from tests.support.people import people

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["few", "many"])
def number(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "many":
        monkeypatch.setattr("jobs.dispatch.queue_position.FEW", 0)
    return str(request.param)


@pytest.mark.usefixtures("number")
def test_the_count_ahead_is_that_of_the_rounds_until_its_own(waiting: Callable[..., Job]) -> None:
    ada, grace = people(2)
    of_ada = [waiting(owner=ada) for _ in range(5)]
    of_grace = [waiting(owner=grace) for _ in range(2)]
    urgent = waiting(owner=ada, priority=1)
    ahead = {job.pk: count_ahead(job, at_most=100) for job in (*of_ada, *of_grace, urgent)}
    assert [ahead[job.pk] for job in of_ada] == [2, 4, 5, 6, 7]
    assert [ahead[job.pk] for job in of_grace] == [2, 4]
    assert ahead[urgent.pk] == 0
    assert count_ahead(of_ada[4], at_most=3) == 3


@pytest.mark.usefixtures("number")
def test_nobody_is_ahead_of_the_only_one(waiting: Callable[..., Job]) -> None:
    assert find_ahead(waiting(owner=None), at_most=100) == []


@pytest.mark.usefixtures("number")
def test_those_ahead_are_told_by_type_and_whether_they_are_the_owners_own(waiting: Callable[..., Job]) -> None:
    """Of another owner, the oldest have their turn, whatever their type."""
    ada, grace = people(2)
    waiting(owner=grace, type="z")
    waiting(owner=grace, type="a")
    waiting(owner=ada, type="z")
    waiting(owner=None, type="a", priority=3)
    mine = waiting(owner=ada, type="a")
    later = waiting(owner=grace, type="a")
    assert later.pk > mine.pk

    def told() -> set[tuple[str, bool, int]]:
        found = find_ahead(mine, at_most=100)
        assert {one.kind for one in found} == {"test"}
        return {(one.type, one.own, one.jobs) for one in found}

    assert told() == {("z", False, 1), ("a", False, 2), ("z", True, 1)}
    TypeDials.objects.create(kind="test", type="z", paused=True)
    assert told() == {("a", False, 2)}, "who is paused is passed over"
    TypeDials.objects.update(type="a")
    assert told() == {("z", False, 1), ("a", False, 2), ("z", True, 1)}, "unless it is as paused itself"


def test_more_than_a_few_are_not_read(waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    """The many are asked for only then."""
    monkeypatch.setattr("jobs.dispatch.queue_position.FEW", 2)
    monkeypatch.setattr(
        "jobs.dispatch.queue_position.AMONG_MANY", "SELECT 'k' AS kind, 't' AS type, false AS own, 77 AS jobs"
    )
    [ada] = people(1)
    jobs = [waiting(owner=ada) for _ in range(2)]
    assert count_ahead(jobs[1], at_most=100) == 1
    waiting(owner=ada)
    assert count_ahead(jobs[1], at_most=100) == 77


@pytest.mark.slow
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    jobs=st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc"), st.integers(0, 1)), min_size=1, max_size=25),
    paused=st.sampled_from(["", "a", "c"]),
    mine=st.integers(0, 24),
)
def test_few_and_many_are_counted_alike(
    jobs: list[tuple[int, str, int]], paused: str, mine: int, unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Job.objects.filter(queue=unheard).delete()
    TypeDials.objects.all().delete()
    if paused:
        TypeDials.objects.create(kind="test", type=paused, paused=True)
    users = [None, *(User.objects.get_or_create(username=f"user-{number}")[0] for number in range(3))]
    made = Job.objects.bulk_create(
        Job(kind="test", type=type_, queue=unheard, owner=users[number], priority=priority, payload={}, max_attempts=5)
        for number, type_, priority in jobs
    )
    job = made[mine % len(made)]
    answers = []
    for few in (2000, 0):
        monkeypatch.setattr("jobs.dispatch.queue_position.FEW", few)
        answers.append(sorted(find_ahead(job, at_most=100), key=repr))
    remembered = RememberedQueue(unheard).find_ahead(job)
    assert answers[0] == answers[1] == sorted(remembered, key=repr)
