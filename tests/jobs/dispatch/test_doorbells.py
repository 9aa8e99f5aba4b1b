"""A queue gets as many messages as wake its workers, and not one for each small job."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
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


def submit(owner: User, queue: str, *, count: int) -> list[Job]:
    return [submit_job(kind="test", owner=owner, payload={}, queue=queue) for _ in range(count)]


def let_time_pass() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET released_at = released_at - interval '1 second'")


@pytest.mark.parametrize("places", [50, 500, None])
def test_orders_are_handed_out_while_few_messages_are_unanswered(places: int | None, owner: User, unheard: str) -> None:
    Queue.objects.filter(name=unheard).update(max_running=places)
    jobs = submit(owner, unheard, count=MOST_UNANSWERED + 2)
    called = [str(job.pk) for job in jobs[:MOST_UNANSWERED]]
    assert message_ids(unheard) == called
    assert list(Event.objects.filter(job=jobs[-1]).values_list("name", flat=True)) == ["submitted"]
    let_time_pass()
    [late] = submit(owner, unheard, count=1)
    assert message_ids(unheard) == [*called, *(str(job.pk) for job in (*jobs[MOST_UNANSWERED:], late))]


def test_orders_of_a_transaction_count_too(owner: User, unheard: str) -> None:
    with transaction.atomic():
        jobs = submit(owner, unheard, count=MOST_UNANSWERED + 2)
    assert message_ids(unheard) == [str(job.pk) for job in jobs[:MOST_UNANSWERED]]


def test_an_answer_makes_room_for_another_message(owner: User, unheard: str) -> None:
    jobs = submit(owner, unheard, count=MOST_UNANSWERED + 2)
    assert release_jobs(unheard, since=REMEMBERED) == []
    Job.objects.filter(pk=jobs[0].pk).update(state=State.RUNNING)
    assert release_jobs(unheard, since=REMEMBERED) == [jobs[MOST_UNANSWERED].pk]


def test_beat_and_staff_hand_out_all_that_may_run(owner: User, unheard: str) -> None:
    jobs = submit(owner, unheard, count=MOST_UNANSWERED + 2)
    assert release_jobs(unheard) == [job.pk for job in jobs[MOST_UNANSWERED:]]


def test_an_order_after_one_that_had_to_wait_does_not_try_to_be_handed_out_at_once(
    owner: User, unheard: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)
    [_, second] = submit(owner, unheard, count=2)
    assert insertion._busy == {unheard}
    with django_assert_num_queries(2):  # the job, and whether a message is of use: one round trip
        [third] = submit(owner, unheard, count=1)
    assert (third.released_at, third.created_at) == (None, Job.objects.get(pk=third.pk).created_at)
    Job.objects.filter(state=State.QUEUED, released_at__isnull=False).update(state=State.SUCCEEDED)
    submit(owner, unheard, count=1)
    assert message_ids(unheard)[1:] == [str(second.pk)], "whose turn it was is still found"
    assert insertion._busy == set()


def test_limits_on_waiting_jobs_hold_for_such_an_order(owner: User, unheard: str) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)
    submit(owner, unheard, count=2)
    Queue.objects.filter(name=unheard).update(max_queued=3)
    submit(owner, unheard, count=1)
    with pytest.raises(AdmissionError):
        submit(owner, unheard, count=1)
    assert Job.objects.count() == 3
