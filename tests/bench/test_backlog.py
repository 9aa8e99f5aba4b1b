"""Whose jobs wait, and what is noticed when they are not served as they should."""

from collections import Counter
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from bench import backlog
from bench.measuring import WrongWorkError
from jobs.models import Job, Queue
from tests.support.messages import message_ids

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def queue() -> Iterator[None]:
    with backlog.unheard_queue():
        yield


@pytest.fixture
def owners() -> list[int]:
    return [User.objects.create_user(f"user-{number}").pk for number in range(11)]


def test_one_owner_has_99_of_each_100_jobs_and_the_others_share_the_rest(owners: list[int]) -> None:
    backlog.fill(owners, jobs=2000)
    counts = Counter(Job.objects.waiting(backlog.QUEUE).values_list("owner", flat=True))
    assert [counts[owner] for owner in owners] == [1980, *[2] * 10]


def test_the_backlog_is_as_long_as_before_and_each_job_has_its_message(owners: list[int]) -> None:
    backlog.fill(owners, jobs=200)
    assert len(backlog.milliseconds(5)) == 5
    backlog.check(served=5, waiting=200)
    assert len(message_ids(backlog.QUEUE)) == 5
    for counts in ({"served": 4, "waiting": 200}, {"served": 5, "waiting": 201}):
        with pytest.raises(WrongWorkError, match="too many or too few"):
            backlog.check(**counts)


def test_nothing_handed_out_is_wrong_work(owners: list[int]) -> None:
    backlog.fill(owners, jobs=200)
    Queue.objects.filter(name=backlog.QUEUE).update(paused=True)
    with pytest.raises(WrongWorkError, match="0 jobs were handed out where one place was free"):
        backlog.serve_one()


def test_more_handed_out_than_there_are_places_is_wrong_work(owners: list[int]) -> None:
    backlog.fill(owners, jobs=200)
    Queue.objects.filter(name=backlog.QUEUE).update(max_running=2)
    with pytest.raises(WrongWorkError, match="2 jobs were handed out"):
        backlog.serve_one()


def test_a_job_that_cannot_be_claimed_is_wrong_work(owners: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    backlog.fill(owners, jobs=200)
    monkeypatch.setattr(backlog, "claim_job", lambda *arguments, **options: None)
    with pytest.raises(WrongWorkError, match="could not be claimed"):
        backlog.serve_one()


def test_an_unfair_order_is_wrong_work(owners: list[int]) -> None:
    backlog.fill(owners[:2], jobs=50)  # all of one owner
    with pytest.raises(WrongWorkError, match="the same owner had two turns"):
        backlog.milliseconds(2)


def test_nothing_is_left(owners: list[int]) -> None:
    backlog.fill(owners, jobs=100)
    backlog.serve_one()
    backlog.empty()
    assert not Job.objects.exists()
    assert message_ids(backlog.QUEUE) == []
