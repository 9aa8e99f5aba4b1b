"""A worker reserves small jobs that follow, and pauses when none are left."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.errors import LeaseLostError
from jobs.models import Attempt, HandOut, Job, Queue
from jobs.states import State
from jobs.worker import going_on
from jobs.worker.going_on import ANY, OTHERS, SOON, Next, claim_next_soon
from jobs.worker.reserved import Reserved
from jobs.worker.transitions import finish_job
from tests.support.chains import assert_next, go_on, running
from tests.support.messages import message_ids
from tests.support.people import people

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("one_place")]


def test_after_a_short_job_those_that_follow_are_reserved_and_claimed_by_their_ids(
    waiting: Callable[..., Job], unheard: str, django_assert_num_queries: Callable[[int], Any]
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=50)
    context, jobs = running(waiting(released_at=Now())), [waiting() for _ in range(3)]
    reserved = Reserved(unheard)
    assert_next(go_on(context, reserved), jobs[0], more=False)
    held = Job.objects.filter(released_at__isnull=False).order_by("pk")
    assert list(held.values_list("pk", "state")) == [
        (jobs[0].pk, State.RUNNING), (jobs[1].pk, State.QUEUED), (jobs[2].pk, State.QUEUED)
    ]  # fmt: skip
    assert [event.name for event in jobs[2].events.all()] == ["released"]
    assert message_ids(unheard) == []
    context = JobContext(Attempt.objects.select_related("job__owner").get(job=jobs[0]), lease_seconds=60)
    with django_assert_num_queries(2):
        following = go_on(context, reserved)
    assert_next(following, jobs[1], more=False)
    assert reserved.first() == jobs[2].pk
    assert Job.objects.get(pk=jobs[0].pk).state == State.SUCCEEDED


@pytest.mark.parametrize(
    ("dials", "seconds", "types", "reserved"),
    [
        ({"max_running": 50}, 0, "aaa", 2),
        ({"max_running": 2}, 0, "aaa", 1),
        ({"max_running": 50, "max_running_per_owner": 2}, 0, "aaa", 1),
        ({"max_running": 50, "max_running_per_type": 2}, 0, "aaa", 1),
        ({"max_running": 50}, 0, "aba", 0),
        ({"max_running": 50}, 0, "baa", 0),
        ({"max_running": 50}, 26, "aaa", 1),
        ({"max_running": 50}, 51, "aaa", 0),
    ],
)
def test_reserved_jobs_are_few_alike_and_within_the_dials(
    dials: dict[str, int], seconds: float, types: str, reserved: int, waiting: Callable[..., Job], unheard: str
) -> None:
    Queue.objects.filter(name=unheard).update(**dials)
    context = running(waiting(released_at=Now(), type="a"), seconds=seconds)
    jobs = [waiting(type=letter) for letter in types]
    kept = Reserved(unheard)
    following = go_on(context, kept)
    assert following.attempt
    assert following.attempt.job_id == jobs[0].pk
    handed_out = Job.objects.filter(state=State.QUEUED, released_at__isnull=False).order_by("pk")
    assert list(handed_out.values_list("pk", flat=True)) == [job.pk for job in jobs[1 : 1 + reserved]]
    assert kept.first() == (jobs[1].pk if reserved else None)


def test_owners_take_turns_among_reserved_jobs(waiting: Callable[..., Job], unheard: str) -> None:
    Queue.objects.filter(name=unheard).update(max_running=50)
    ada, grace = people(2)
    jobs = [waiting(owner=owner) for owner in (ada, ada, grace)]
    context, reserved = running(waiting(owner=ada, released_at=Now())), Reserved(unheard)
    order = []
    while (following := go_on(context, reserved)).attempt:
        order.append(following.attempt.job_id)
        context = JobContext(following.attempt, lease_seconds=60)
    assert order == [job.pk for job in (jobs[0], jobs[2], jobs[1])]
    remembered = HandOut.objects.get(queue=unheard)
    assert remembered.last_owner == ada.pk


def test_a_reserved_job_that_somebody_else_has_ends_the_chain(waiting: Callable[..., Job], unheard: str) -> None:
    context, job = running(waiting(released_at=Now())), waiting(state=State.CANCELLED)
    reserved = Reserved(unheard)
    reserved.add([job.pk], were_all=True)
    assert go_on(context, reserved) == OTHERS
    assert reserved.first() is None
    assert Job.objects.get(pk=context.job.pk).state == State.SUCCEEDED


def test_whoever_lost_the_lease_claims_no_reserved_job(waiting: Callable[..., Job], unheard: str) -> None:
    zombie, job = running(waiting(released_at=Now())), waiting(released_at=Now())
    Job.objects.filter(pk=zombie.job.pk).update(fencing_token=7)
    reserved = Reserved(unheard)
    reserved.add([job.pk], were_all=True)
    with pytest.raises(LeaseLostError):
        go_on(zombie, reserved)
    assert Job.objects.get(pk=job.pk).state == State.QUEUED
    assert reserved.first() == job.pk


def test_a_worker_that_saw_no_more_jobs_only_ends_the_last_one(
    waiting: Callable[..., Job], unheard: str, django_assert_num_queries: Callable[[int], Any]
) -> None:
    context, reserved = running(waiting(released_at=Now())), Reserved(unheard)
    waiting()
    reserved.add([], were_all=True)
    with django_assert_num_queries(1):
        assert go_on(context, reserved, pauses=True) == SOON
    assert list(Job.objects.order_by("pk").values_list("state", flat=True)) == [State.SUCCEEDED, State.QUEUED]
    with pytest.raises(LeaseLostError):
        go_on(context, reserved, pauses=True)


@pytest.mark.parametrize("places", [1, 2, 50])
def test_it_knows_whether_those_were_all(places: int, waiting: Callable[..., Job], unheard: str) -> None:
    Queue.objects.filter(name=unheard).update(max_running=places)
    context, reserved = running(waiting(released_at=Now())), Reserved(unheard)
    waiting()
    waiting()
    go_on(context, reserved)
    assert reserved.were_all is (places == 50)


def test_after_a_pause_it_claims_what_has_come(waiting: Callable[..., Job], unheard: str) -> None:
    Queue.objects.filter(name=unheard).update(max_running=50)
    ended, reserved = running(waiting(released_at=Now())), Reserved(unheard)
    go_on(ended, reserved)
    jobs = [waiting(), waiting()]
    assert claim_next_soon(ended, reserved=reserved, may_go_on=lambda: False) == OTHERS
    following = claim_next_soon(ended, reserved=reserved, may_go_on=lambda: True)
    assert_next(following, jobs[0], more=False)
    assert reserved.first() == jobs[1].pk
    assert claim_next_soon(ended, reserved=reserved, may_go_on=lambda: True).attempt is None


def test_an_answer_that_comes_after_the_lease_hands_the_job_back_after_a_pause_too(waiting: Callable[..., Job]) -> None:
    ended, job = running(waiting(released_at=Now()), lease_seconds=0), waiting()
    finish_job(ended.attempt, result=None, artifacts=[], rows=0, peak_memory_bytes=0)
    assert claim_next_soon(ended, reserved=Reserved(job.queue), may_go_on=lambda: True) == ANY
    job.refresh_from_db()
    assert (job.state, job.attempt_count) == (State.QUEUED, 0)


def test_what_is_still_reserved_before_a_pause_is_published(waiting: Callable[..., Job], unheard: str) -> None:
    ended, reserved = running(waiting(released_at=Now())), Reserved(unheard)
    go_on(ended)
    left = waiting(released_at=Now())
    reserved.add([left.pk], were_all=True)
    assert claim_next_soon(ended, reserved=reserved, may_go_on=lambda: True).attempt is None
    assert (message_ids(unheard), reserved.first()) == ([str(left.pk)], None)


def test_an_answer_that_is_lost_after_a_pause_hands_the_job_back(
    waiting: Callable[..., Job], unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, reserved = running(waiting(released_at=Now())), Reserved(unheard)
    go_on(ended, reserved)
    job = waiting()
    claim = going_on._claim_next

    def lose(*args: Any) -> Next:
        claim(*args)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        raise AssertionError("the session has ended")

    monkeypatch.setattr(going_on, "_claim_next", lose)
    assert claim_next_soon(ended, reserved=reserved, may_go_on=lambda: True) == OTHERS
    job.refresh_from_db()
    assert (job.state, job.attempt_count) == (State.QUEUED, 0)
