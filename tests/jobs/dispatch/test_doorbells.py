"""A queue gets as many messages as wake its workers, and not one for each small job."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from jobs.dispatch import insertion
from jobs.dispatch.doorbells import MOST_UNANSWERED
from jobs.dispatch.positions import REMEMBERED
from jobs.dispatch.release import release_jobs
from jobs.dispatch.submission import submit_job
from jobs.errors import AdmissionError
from jobs.models import Event, Job, Queue
from jobs.states import State
from tests.support.messages import message_ids

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def many_places(unheard: str, kind_of: Callable[..., str]) -> None:
    Queue.objects.filter(name=unheard).update(max_running=50)
    kind_of(lambda context: None)


def submit(owner: User, queue: str) -> Job:
    return submit_job(kind="test", owner=owner, payload={}, queue=queue)


def call_workers(make_job: Callable[..., Job], queue: str, *, count: int) -> list[Job]:
    """Handed-out jobs whose messages stay new however slow the machine is."""
    return [make_job(queue=queue, released_at=Now() + timedelta(hours=1)) for _ in range(count)]


def let_time_pass() -> None:
    Job.objects.filter(released_at__isnull=False).update(released_at=F("released_at") - timedelta(hours=2))


@pytest.mark.parametrize("places", [50, 500, None])
def test_orders_are_handed_out_while_few_messages_are_unanswered(
    places: int | None, owner: User, unheard: str, make_job: Callable[..., Job]
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=places)
    call_workers(make_job, unheard, count=MOST_UNANSWERED - 1)
    last = submit(owner, unheard)
    assert message_ids(unheard) == [str(last.pk)]
    call_workers(make_job, unheard, count=1)
    waits = submit(owner, unheard)
    assert list(Event.objects.filter(job=waits).values_list("name", flat=True)) == ["submitted"]
    let_time_pass()
    late = submit(owner, unheard)
    assert message_ids(unheard) == [str(job.pk) for job in (last, waits, late)]


def test_orders_of_a_transaction_count_too(owner: User, unheard: str, make_job: Callable[..., Job]) -> None:
    call_workers(make_job, unheard, count=MOST_UNANSWERED)
    with transaction.atomic():
        submit(owner, unheard)
    assert message_ids(unheard) == []


def test_an_answer_makes_room_for_another_message(owner: User, unheard: str, make_job: Callable[..., Job]) -> None:
    called = call_workers(make_job, unheard, count=MOST_UNANSWERED)
    waits = [submit(owner, unheard), submit(owner, unheard)]
    assert release_jobs(unheard, since=REMEMBERED) == []
    Job.objects.filter(pk=called[0].pk).update(state=State.RUNNING)
    assert release_jobs(unheard, since=REMEMBERED) == [waits[0].pk]


def test_beat_and_staff_hand_out_all_that_may_run(owner: User, unheard: str, make_job: Callable[..., Job]) -> None:
    call_workers(make_job, unheard, count=MOST_UNANSWERED)
    waits = [submit(owner, unheard), submit(owner, unheard)]
    assert release_jobs(unheard) == [job.pk for job in waits]


def test_an_order_after_one_that_had_to_wait_does_not_try_to_be_handed_out_at_once(
    owner: User, unheard: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)
    _, second = submit(owner, unheard), submit(owner, unheard)
    assert insertion._busy == {unheard}
    with django_assert_num_queries(2):  # the job, and whether a message is of use: one round trip
        third = submit(owner, unheard)
    assert (third.released_at, third.created_at) == (None, Job.objects.get(pk=third.pk).created_at)
    Job.objects.filter(state=State.QUEUED, released_at__isnull=False).update(state=State.SUCCEEDED)
    submit(owner, unheard)
    assert message_ids(unheard)[1:] == [str(second.pk)], "whose turn it was is still found"
    assert insertion._busy == set()


def test_limits_on_waiting_jobs_hold_for_such_an_order(
    owner: User, unheard: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)
    submit(owner, unheard)
    submit(owner, unheard)
    Queue.objects.filter(name=unheard).update(max_queued=4)
    with django_assert_num_queries(
        2 + 4
    ):  # it learns that jobs must be counted: the lock, the count, the job, the look
        submit(owner, unheard)
    with django_assert_num_queries(4):
        submit(owner, unheard)
    with pytest.raises(AdmissionError):
        submit(owner, unheard)
    assert Job.objects.count() == 4
