"""How fast a queue gets on, and what the refused are told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from jobs.dispatch.submission import submit_job
from jobs.dispatch.throughput import jobs_per_second, retry_after_refusal
from jobs.errors import AdmissionError
from jobs.models import Activity, Job, Queue
from jobs.states import State
from tests.support.threads import Threads

pytestmark = pytest.mark.django_db


def ended(
    *, minutes_ago: float, attempts: int, seconds: float, queue: str = "reports", outcome: str = "succeeded"
) -> None:
    """So many attempts that took so long each."""
    minute = (timezone.now() - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
    Activity.objects.create(
        minute=minute, queue=queue, outcome=outcome, attempts=attempts, seconds=attempts * seconds, rows=0
    )


def test_the_rate_is_what_runs_over_how_long_it_takes(make_job: Callable[..., Job]) -> None:
    assert jobs_per_second("reports") is None
    ended(minutes_ago=600, attempts=10, seconds=1000)
    assert jobs_per_second("reports") is None
    for _ in range(4):
        make_job(state=State.RUNNING, lease_expires_at=timezone.now())
    assert jobs_per_second("reports") == pytest.approx(0.004)
    ended(minutes_ago=30, attempts=10, seconds=20)
    ended(minutes_ago=30, attempts=10, seconds=1, queue="uploads")
    assert jobs_per_second("reports") == pytest.approx(0.2)
    ended(minutes_ago=30, attempts=1000, seconds=0.01, outcome="handed_back")
    assert jobs_per_second("reports") == pytest.approx(0.2)


def test_jobs_that_are_too_short_to_be_seen_are_counted_as_they_end() -> None:
    for minutes_ago in range(2, 5):
        ended(minutes_ago=minutes_ago, attempts=6000, seconds=0.01)
    assert jobs_per_second("reports") == pytest.approx(60)


def test_of_a_paused_queue_nothing_is_known() -> None:
    ended(minutes_ago=2, attempts=6000, seconds=0.01)
    Queue.objects.filter(name="reports").update(paused=True)
    assert jobs_per_second("reports") is None
    assert jobs_per_second("gone") is None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, (30, 30)),
        ({"limit": 100}, (10, 100)),
        ({"limit": 1}, (10, 10)),
        ({"limit": 10**6}, (10, 3600)),
        ({"scope": "type", "limit": 1000}, (30, 30)),
        ({"scope": "owner", "limit": 5}, (10, 10)),
    ],
)
def test_who_is_refused_comes_back_once_there_may_be_room(
    facts: dict[str, Any], expected: tuple[int, int], make_job: Callable[..., Job], owner: User
) -> None:
    ended(minutes_ago=30, attempts=1, seconds=10)
    make_job(state=State.RUNNING, lease_expires_at=timezone.now())
    for bound, jitter in zip(expected, (min, max), strict=True):
        refusal = AdmissionError(queue="reports", owner_id=owner.pk, **facts)
        assert retry_after_refusal(refusal, jitter=jitter) == bound


def test_an_owner_has_room_once_the_next_of_their_own_begins(make_job: Callable[..., Job], owner: User) -> None:
    ended(minutes_ago=30, attempts=1, seconds=10)
    make_job(state=State.RUNNING, lease_expires_at=timezone.now())
    bob = User.objects.create_user("bob")
    for _ in range(3):
        make_job(owner=bob, released_at=None, priority=1)
    make_job(released_at=None)
    make_job(released_at=None)
    refusal = AdmissionError(queue="reports", scope="owner", limit=2, owner_id=owner.pk)
    assert retry_after_refusal(refusal) == 40


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_1000_orders_exactly_as_many_as_fit_are_accepted(kind_of: Callable[..., str]) -> None:
    kind = kind_of(lambda context: None)
    Queue.objects.filter(name="reports").update(max_queued=100, max_running=0)
    ended(minutes_ago=2, attempts=600, seconds=0.5)  # two a second
    owners = [User.objects.create_user(f"user{number}") for number in range(50)]

    def order(number: int) -> Any:
        try:
            return submit_job(kind=kind, owner=owners[number % 50], payload={})
        except AdmissionError as refusal:
            return retry_after_refusal(refusal)

    with Threads(50) as threads:
        answers = list(threads.map(order, range(1000)))
    told = [answer for answer in answers if isinstance(answer, int)]
    assert len(told) == 900
    assert Job.objects.count() == Job.objects.queued("reports").count() == 100
    assert 1 <= min(told) <= max(told) <= 5  # the time in which ten of them begin
    assert len(set(told)) > 2
