"""One transaction ends a job and claims the next, whatever becomes of its answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.forms import model_to_dict

from jobs.context import JobContext
from jobs.errors import LeaseLostError
from jobs.models import Attempt, Job, Queue
from jobs.states import Outcome, State
from jobs.worker import going_on
from jobs.worker.going_on import Next, finish_and_claim_next
from jobs.worker.reserved import Reserved
from jobs.worker.transitions import claim_job
from tests.support.chains import go_on, running
from tests.support.people import people

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("one_place")]


def test_the_end_and_the_next_claim_are_one_step(
    waiting: Callable[..., Job], django_assert_num_queries: Callable[[int], Any]
) -> None:
    context, job = running(waiting(released_at=Now())), waiting()
    with django_assert_num_queries(3):
        following = go_on(context)
    ended = Job.objects.get(pk=context.job.pk)
    assert (ended.state, ended.result, ended.progress_done, ended.released_at) == (State.SUCCEEDED, {"a": 1}, 3, None)
    attempt = ended.attempts.get()
    assert (attempt.outcome, attempt.rows, attempt.bytes, attempt.peak_memory_bytes) == (Outcome.SUCCEEDED, 3, 0, 99)
    assert [event.name for event in ended.events.all()] == ["started", "completed"]
    assert following.attempt
    assert following.more is False
    begun = Attempt.objects.get(job=job)
    assert model_to_dict(following.attempt) == model_to_dict(begun)
    assert (begun.number, begun.fencing_token, begun.worker, begun.celery_task_id) == (1, 1, "w", "t")
    found = following.attempt.job
    job.refresh_from_db()
    assert model_to_dict(found) == model_to_dict(job)
    assert (job.state, job.attempt_count, job.fencing_token) == (State.RUNNING, 1, 1)
    assert job.released_at == job.started_at == begun.started_at
    with connection.cursor() as cursor:
        cursor.execute("SELECT lease_expires_at - started_at FROM jobs_job WHERE id = %s", [job.pk])
        assert cursor.fetchone() == (timedelta(seconds=60),)
    assert isinstance(found.owner, User)
    assert found.owner == job.owner
    assert [(event.name, event.details) for event in job.events.all()] == [
        ("released", {}),
        ("started", {"attempt": 1, "worker": "w"}),
    ]


def test_without_a_job_whose_turn_it_is_only_the_end_is_written(waiting: Callable[..., Job], unheard: str) -> None:
    first = running(waiting(released_at=Now()))
    assert go_on(first).attempt is None
    Queue.objects.filter(name=unheard).update(paused=True)
    second, job = running(waiting(released_at=Now())), waiting()
    following = go_on(second)
    assert (following.attempt, following.more) == (None, False)
    job.refresh_from_db()
    assert (job.state, job.released_at) == (State.QUEUED, None)
    assert Job.objects.filter(state=State.SUCCEEDED).count() == 2


def test_whoever_lost_the_lease_claims_nothing(waiting: Callable[..., Job]) -> None:
    zombie, job = running(waiting(released_at=Now())), waiting()
    Job.objects.filter(pk=zombie.job.pk).update(fencing_token=7)
    with pytest.raises(LeaseLostError):
        go_on(zombie)
    job.refresh_from_db()
    assert (job.state, job.released_at) == (State.QUEUED, None)
    assert Job.objects.get(pk=zombie.job.pk).state == State.RUNNING
    assert Attempt.objects.get().outcome == ""


def test_finishing_twice_is_refused(waiting: Callable[..., Job]) -> None:
    context = running(waiting(released_at=Now()))
    go_on(context)
    with pytest.raises(LeaseLostError):
        go_on(context)


def test_owners_take_turns_and_priority_goes_first(waiting: Callable[..., Job], unheard: str) -> None:
    ada, grace = people(2)
    jobs = [waiting(owner=owner) for owner in (ada, ada, ada, grace, grace)]
    urgent = [waiting(owner=grace, priority=3)]
    context = running(waiting(owner=ada, released_at=Now()))
    order = []
    while (following := go_on(context)).attempt:
        order.append(following.attempt.job.pk)
        context = JobContext(following.attempt, lease_seconds=60)
    assert order == [job.pk for job in (urgent[0], jobs[0], jobs[3], jobs[1], jobs[4], jobs[2])]


@pytest.mark.parametrize(
    ("places", "owners", "priorities", "more"),
    [
        (1, 2, (0, 0), False),
        (1, 2, (1, 0), False),
        (2, 2, (0, 0), True),
        (2, 2, (1, 0), True),
        (2, 1, (0,), False),
        (None, 2, (0, 0), True),
    ],
)
def test_it_says_whether_others_have_their_turn_too(
    places: int | None,
    owners: int,
    priorities: tuple[int, ...],
    more: bool,
    waiting: Callable[..., Job],
    unheard: str,
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=places)
    context = running(waiting(released_at=Now()), seconds=51)
    jobs = [waiting(owner=owner, priority=priority) for owner, priority in zip(people(owners), priorities, strict=True)]
    following = go_on(context)
    assert following.attempt
    assert (following.attempt.job.pk, following.more) == (jobs[0].pk, more)
    assert Job.objects.filter(state=State.QUEUED, released_at=None).count() == len(jobs) - 1


def losing_the_answer(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    """The first transition is committed, and then PostgreSQL ends the session, or `error` comes before the answer."""
    act = going_on._finish_and_claim_next

    def lose(*args: Any) -> Next:
        monkeypatch.setattr(going_on, "_finish_and_claim_next", act)
        act(*args)
        if error is not None:
            raise error
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        raise AssertionError("the session has ended")

    monkeypatch.setattr(going_on, "_finish_and_claim_next", lose)


def test_after_a_lost_answer_it_goes_on_with_the_job_that_it_has_claimed(
    waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, jobs = running(waiting(released_at=Now())), [waiting(), waiting()]
    losing_the_answer(monkeypatch, None)
    following = go_on(context)
    assert following.attempt
    assert (following.attempt.job.pk, following.attempt.fencing_token, following.more) == (jobs[0].pk, 1, True)
    assert following.attempt.job.owner == jobs[0].owner
    assert list(Job.objects.order_by("pk").values_list("state", "attempt_count")) == [
        (State.SUCCEEDED, 1), (State.RUNNING, 1), (State.QUEUED, 0)
    ]  # fmt: skip
    assert Attempt.objects.count() == 2


def test_after_a_lost_answer_without_a_next_job_it_has_finished(
    waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = running(waiting(released_at=Now()))
    losing_the_answer(monkeypatch, None)
    assert go_on(context).attempt is None
    assert Job.objects.get().state == State.SUCCEEDED


def test_a_lease_that_was_lost_before_the_answer_stays_lost(
    waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = running(waiting(released_at=Now()))
    act = going_on._finish_and_claim_next

    def lose(*args: Any) -> Next:
        monkeypatch.setattr(going_on, "_finish_and_claim_next", act)
        Job.objects.update(fencing_token=7)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        raise AssertionError("the session has ended")

    monkeypatch.setattr(going_on, "_finish_and_claim_next", lose)
    with pytest.raises(LeaseLostError):
        go_on(context)


def test_a_trip_that_a_signal_interrupts_hands_the_next_job_back(
    waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, job = running(waiting(released_at=Now())), waiting()
    losing_the_answer(monkeypatch, SystemExit())
    with pytest.raises(SystemExit):
        go_on(context)
    job.refresh_from_db()
    assert (job.state, job.released_at, job.attempt_count) == (State.QUEUED, None, 0)
    assert job.attempts.get().outcome == Outcome.HANDED_BACK
    assert Job.objects.get(pk=context.job.pk).state == State.SUCCEEDED


def test_an_answer_that_comes_after_the_lease_hands_the_next_job_back(waiting: Callable[..., Job]) -> None:
    context, job = running(waiting(released_at=Now()), lease_seconds=0), waiting()
    following = go_on(context)
    assert (following.attempt, following.more) == (None, True)
    job.refresh_from_db()
    assert (job.state, job.attempt_count) == (State.QUEUED, 0)


def test_an_interrupted_trip_leaves_the_jobs_of_other_tasks(
    waiting: Callable[..., Job], unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=2)
    other = waiting(released_at=Now())
    assert claim_job(other.pk, worker="w", celery_task_id="another", lease_seconds=60)
    context = running(waiting(released_at=Now()))
    losing_the_answer(monkeypatch, SystemExit())
    with pytest.raises(SystemExit):
        go_on(context)
    other.refresh_from_db()
    assert other.state == State.RUNNING


def test_a_result_that_postgresql_refuses_is_no_lost_lease(waiting: Callable[..., Job]) -> None:
    context, job = running(waiting(released_at=Now())), waiting()
    with pytest.raises(DatabaseError, match="Unicode"):
        finish_and_claim_next(context, reserved=Reserved("q"), result={"a": "\0"}, rows=0, peak_memory_bytes=0)
    job.refresh_from_db()
    assert job.state == State.QUEUED
    assert Job.objects.get(pk=context.job.pk).state == State.RUNNING
