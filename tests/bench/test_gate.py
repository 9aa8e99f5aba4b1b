"""The limits that are measured hold, and it is noticed when they do not."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from django.contrib.auth.models import User

from bench import backlog, gate
from bench.measuring import WrongWorkError
from bench.nothing.kinds import NOTHING
from jobs import kinds
from jobs.models import Job, Queue, TypeDials

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds, NOTHING.name: NOTHING})
    with backlog.unheard_queue():
        yield


def limits_of_the_queue() -> list[int | None]:
    [values] = Queue.objects.filter(name=backlog.QUEUE).values_list(*gate.LIMITS)
    return list(values)


def test_all_limits_hold_within_the_block() -> None:
    with gate.all_limits(queued=7):
        assert limits_of_the_queue() == [7, 7, 1, 1]
        dials = TypeDials.objects.get()
        assert (dials.kind, dials.type, dials.max_queued, dials.max_running) == (NOTHING.name, "", 7, 1)
    assert limits_of_the_queue() == [None] * 4
    assert not TypeDials.objects.exists()


def test_as_many_orders_as_may_wait_are_accepted_and_no_more(owner: User) -> None:
    with gate.all_limits(queued=3):
        gate.submit(owner, jobs=3, gate=nullcontext)
        gate.require_orders(owner, jobs=3, limited=True)
    gate.require_orders(owner, jobs=3, limited=False)
    assert Job.objects.count() == 4


def test_an_order_too_few_is_wrong_work(owner: User) -> None:
    gate.submit(owner, jobs=2, gate=nullcontext)
    with pytest.raises(WrongWorkError, match="of 3 orders 2 were accepted"):
        gate.require_orders(owner, jobs=3, limited=False)


def test_limits_that_do_not_hold_are_wrong_work(owner: User) -> None:
    gate.submit(owner, jobs=1, gate=nullcontext)
    with pytest.raises(WrongWorkError, match="one order more was accepted above the limits"):
        gate.require_orders(owner, jobs=1, limited=True)


def test_limits_where_there_should_be_none_are_wrong_work(owner: User) -> None:
    gate.submit(owner, jobs=1, gate=nullcontext)
    with gate.all_limits(queued=1), pytest.raises(WrongWorkError, match="one order more was refused without limits"):
        gate.require_orders(owner, jobs=1, limited=False)


def test_of_two_places_the_limits_give_away_one(owner: User) -> None:
    backlog.fill([owner.pk], jobs=5)
    with gate.all_limits(queued=5):
        gate.require_places(limited=True)
    backlog.empty()
    backlog.fill([owner.pk], jobs=5)
    gate.require_places(limited=False)
    assert Queue.objects.get(name=backlog.QUEUE).max_running == 1


@pytest.mark.parametrize("limited", [True, False])
def test_a_place_given_away_too_many_or_too_few_is_wrong_work(owner: User, limited: bool) -> None:
    backlog.fill([owner.pk], jobs=5)
    found, expected = (2, 1) if limited else (1, 2)
    with (
        nullcontext() if limited else gate.all_limits(queued=5),
        pytest.raises(WrongWorkError, match=f"of two free places {found} were given away, not {expected}"),
    ):
        gate.require_places(limited=limited)
