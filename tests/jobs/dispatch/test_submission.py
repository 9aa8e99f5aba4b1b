"""Submitting: a row and, once it is committed, a doorbell; or neither."""

from collections.abc import Callable
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from jobs.dispatch.submission import submit_job
from jobs.dispatch.throughput import retry_after_refusal
from jobs.errors import AdmissionError, UnknownKindError
from jobs.models import Job, Queue
from jobs.states import State
from tests.support.messages import message_ids
from tests.support.threads import Threads

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kind(kind_of: Callable[..., str]) -> str:
    return kind_of(lambda context: None)


@pytest.mark.django_db(transaction=True)
def test_the_job_is_released_when_the_transaction_commits(owner: User, unheard: str) -> None:
    with transaction.atomic():
        job = submit_job(kind="test", owner=owner, payload={"a": 1}, queue=unheard, priority=3)
        assert Job.objects.get().released_at is None
        assert message_ids(unheard) == []
    job.refresh_from_db()
    assert (job.state, job.payload, job.priority, job.max_attempts) == (State.QUEUED, {"a": 1}, 3, 5)
    assert job.released_at is not None
    assert job.pk.version == 7
    assert message_ids(unheard) == [str(job.pk)]


@pytest.mark.django_db(transaction=True)
def test_an_order_that_finds_a_free_place_is_handed_out_at_once(
    owner: User, unheard: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)
    submit = partial(submit_job, kind="test", owner=owner, payload={}, queue=unheard)
    with django_assert_num_queries(3):  # the job; the queue's row, and whose turn it is
        first = submit()
    with django_assert_num_queries(2):  # the job; that no place was free is looked at again
        second = submit()
    assert (first.released_at, second.released_at) == (None, None), "they are as they were ordered"
    assert Job.objects.get(released_at__isnull=False) == first
    assert message_ids(unheard) == [str(first.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_place_that_becomes_free_before_the_commit_is_not_missed(owner: User, unheard: str) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)
    first = submit_job(kind="test", owner=owner, payload={}, queue=unheard)
    with transaction.atomic():
        second = submit_job(kind="test", owner=owner, payload={}, queue=unheard)
        with Threads() as threads:
            threads.submit(Job.objects.filter(pk=first.pk).update, state=State.CANCELLED).result(timeout=5)
    assert message_ids(unheard) == [str(first.pk), str(second.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_order_leaves_neither_row_nor_message(owner: User, unheard: str) -> None:
    with transaction.atomic():
        submit_job(kind="test", owner=owner, payload={}, queue=unheard)
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert message_ids(unheard) == []


def test_an_unknown_kind_is_refused(owner: User) -> None:
    with pytest.raises(UnknownKindError):
        submit_job(kind="nonsense", owner=owner, payload={})


def test_an_unknown_queue_is_refused(owner: User) -> None:
    with pytest.raises(ImproperlyConfigured, match="no queue named 'nonsense'"):
        submit_job(kind="test", owner=owner, payload={}, queue="nonsense")


def test_a_closed_queue_is_refused(owner: User) -> None:
    Queue.objects.filter(name="reports").update(accepting=False)
    with pytest.raises(AdmissionError):
        submit_job(kind="test", owner=owner, payload={})
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_limit_of_waiting_jobs_is_exact_when_many_submit_at_once(owner: User) -> None:
    Queue.objects.filter(name="reports").update(max_queued=5, paused=True)

    def submit(_: int) -> bool:
        try:
            submit_job(kind="test", owner=owner, payload={})
            return True
        except AdmissionError:
            return False

    with Threads(20) as threads:
        assert sum(threads.map(submit, range(20))) == 5
    assert Job.objects.count() == 5


def test_the_limit_of_an_owner_does_not_touch_another(owner: User) -> None:
    Queue.objects.filter(name="reports").update(max_queued_per_owner=1)
    submit_job(kind="test", owner=owner, payload={})
    with pytest.raises(AdmissionError) as refused:
        submit_job(kind="test", owner=owner, payload={})
    assert (refused.value.scope, refused.value.limit, refused.value.owner_id) == ("owner", 1, owner.pk)
    assert retry_after_refusal(refused.value) == 30
    submit_job(kind="test", owner=User.objects.create_user("bob"), payload={})
