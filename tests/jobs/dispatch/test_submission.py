"""Submitting: a row and, once it is committed, a doorbell; or neither."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models.functions import Now
from psycopg.pq import PipelineStatus
from pytest_django import DjangoAssertNumQueries

from jobs.dispatch.release import Unsent, send_messages
from jobs.dispatch.submission import submit_job
from jobs.dispatch.throughput import retry_after_refusal
from jobs.errors import AdmissionError, UnknownKindError
from jobs.models import HandOut, Job, Queue, TypeDials
from jobs.states import State
from tests.support.messages import message_ids
from tests.support.threads import Threads
from tests.support.waiting import wait_until

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
    for is_first in (True, False):
        with django_assert_num_queries(3):  # the queue's row, the job, whether to look again: one round trip
            job = submit()
        stored = Job.objects.get(pk=job.pk)
        assert (job.released_at, job.created_at, job.updated_at) == (
            stored.created_at if is_first else None,
            stored.created_at,
            stored.created_at,
        )
        assert {field.attname: getattr(job, field.attname) for field in Job._meta.concrete_fields} == {
            field.attname: getattr(stored, field.attname) for field in Job._meta.concrete_fields
        }
        told = [(event.name, event.actor) for event in stored.events.all()]
        assert told == [("submitted", owner.get_username()), ("released", "")][: 2 if is_first else 1]
    [released] = Job.objects.filter(released_at__isnull=False)
    assert message_ids(unheard) == [str(released.pk)]
    remembered = HandOut.objects.get(queue=unheard)
    assert (remembered.last_owner, remembered.waiting_from, remembered.held) == (owner.pk, released.pk, [released.pk])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("queue", "of_type"),
    [
        ({"paused": True}, {}),
        ({"max_running": 1}, {}),
        ({"max_running_per_owner": 1}, {}),
        ({"max_running_per_type": 1}, {}),
        ({"max_running": 9, "max_running_per_type": 9}, {"max_running": 1}),
        ({}, {"paused": True}),
    ],
)
@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_an_order_is_not_handed_out_against_a_dial(
    queue: dict[str, Any], of_type: dict[str, Any], state: State, owner: User, unheard: str
) -> None:
    Queue.objects.filter(name=unheard).update(**{"max_running": None, **queue})
    submit = partial(submit_job, kind="test", payload={}, queue=unheard)
    held = submit(owner=owner)
    Job.objects.filter(pk=held.pk).update(state=state, released_at=Now())
    TypeDials.objects.create(kind="test", type=held.type, **of_type)
    assert submit(owner=owner).released_at is None
    expected = [held.pk]
    if queue == {"max_running_per_owner": 1}:
        other = submit(owner=User.objects.create_user("bob"))
        expected.append(other.pk)
    assert list(Job.objects.filter(released_at__isnull=False).values_list("pk", flat=True).order_by("pk")) == expected


@pytest.mark.django_db(transaction=True)
def test_an_order_does_not_overtake_a_job_that_waits(owner: User, unheard: str) -> None:
    bob = User.objects.create_user("bob")
    Queue.objects.filter(name=unheard).update(paused=True)
    submit = partial(submit_job, kind="test", payload={}, queue=unheard)
    waiting = submit(owner=owner)
    Queue.objects.filter(name=unheard).update(paused=False, max_running=1, last_owner=bob.pk)
    assert submit(owner=bob).released_at is None
    assert message_ids(unheard) == [str(waiting.pk)]


@pytest.mark.django_db(transaction=True)
def test_an_order_does_not_wait_for_the_lock_of_its_queue(owner: User, unheard: str) -> None:
    """A worker, or a person, may hold it for long: the job is stored, and handed out when the lock is free."""
    with Threads() as threads:
        with transaction.atomic():
            Queue.objects.select_for_update().get(name=unheard)
            submitted = threads.submit(submit_job, kind="test", owner=owner, payload={}, queue=unheard)
            wait_until(Job.objects.exists)
            assert Job.objects.get().released_at is None
        job = submitted.result(timeout=5)
    assert message_ids(unheard) == [str(job.pk)]


@pytest.mark.django_db(transaction=True)
def test_an_accepted_job_is_on_the_disk(owner: User, unheard: str) -> None:
    """Its commit does not wait for that, in order to hold the queue's lock for a short time; the next one does."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on; SELECT pg_current_wal_insert_lsn()")
        cursor.nextset()
        [before] = cursor.fetchone()
        submit_job(kind="test", owner=owner, payload={}, queue=unheard)
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), %s) > 1000, "
                       "current_setting('synchronous_commit')", [before])  # fmt: skip
        assert cursor.fetchone() == (True, "on")
        cursor.execute("RESET synchronous_commit")


@pytest.mark.django_db(transaction=True)
def test_the_message_leaves_once_others_see_the_job_and_before_it_is_on_the_disk(
    owner: User, unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, bool]] = []

    def send(queue: str, ids: list[UUID]) -> Unsent | None:
        with Threads() as threads:
            is_visible = threads.submit(Job.objects.filter(pk__in=ids).exists).result(timeout=5)
        seen.append((connection.connection.pgconn.pipeline_status, is_visible))
        return send_messages(queue, ids)

    monkeypatch.setattr("jobs.dispatch.insertion.send_messages", send)
    job = submit_job(kind="test", owner=owner, payload={}, queue=unheard)
    assert seen == [(PipelineStatus.ON, True)]
    assert message_ids(unheard) == [str(job.pk)]


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


def test_each_job_of_a_transaction_is_counted(owner: User) -> None:
    Queue.objects.filter(name="reports").update(max_queued=2)
    with transaction.atomic():
        for _ in range(2):
            submit_job(kind="test", owner=owner, payload={})
        with pytest.raises(AdmissionError):
            submit_job(kind="test", owner=owner, payload={})


@pytest.mark.django_db(transaction=True)
def test_where_waiting_is_limited_an_order_takes_a_second_round_trip(
    owner: User, unheard: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Queue.objects.filter(name=unheard).update(max_queued=2)
    with django_assert_num_queries(7):  # the three of any order; then the lock, the count, and the last two again
        job = submit_job(kind="test", owner=owner, payload={}, queue=unheard)
    assert message_ids(unheard) == [str(job.pk)]


def test_the_limit_of_an_owner_does_not_touch_another(owner: User) -> None:
    Queue.objects.filter(name="reports").update(max_queued_per_owner=1)
    submit_job(kind="test", owner=owner, payload={})
    with pytest.raises(AdmissionError) as refused:
        submit_job(kind="test", owner=owner, payload={})
    assert (refused.value.scope, refused.value.limit, refused.value.owner_id) == ("owner", 1, owner.pk)
    assert retry_after_refusal(refused.value) == 30
    submit_job(kind="test", owner=User.objects.create_user("bob"), payload={})
