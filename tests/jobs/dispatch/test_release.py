"""Release: as many as may run, in their order; and a Redis that does not answer."""

import json
import os
import random
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import pytest
import redis
from celery import current_app
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.functions import Now
from structlog.testing import capture_logs

from jobs.context import JobContext
from jobs.dispatch import fairness
from jobs.dispatch.publish_failures import failures_now
from jobs.dispatch.release import publish_jobs, release_jobs
from jobs.interventions.cancellation import cancel_jobs
from jobs.interventions.dead_letter import requeue_jobs
from jobs.maintenance.recovery import release_due_jobs
from jobs.models import Attempt, Job, PublishFailure, Queue
from jobs.monitoring.troubles import troubles
from jobs.states import State
from jobs.worker.going_on import Next, finish_and_claim_next
from jobs.worker.reserved import Reserved
from jobs.worker.transitions import claim_job
from tests.support.locks import a_session_waits_for_a_lock
from tests.support.messages import message_body, message_ids, messages
from tests.support.outages import valkey_hung, valkey_killed
from tests.support.threads import Threads
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")
QUEUE = "unheard"


@pytest.fixture(autouse=True)
def queue(unheard: str) -> None:
    assert unheard == QUEUE


def test_no_more_are_handed_out_than_may_run(waiting: Callable[..., Job]) -> None:
    waiting(state=State.RUNNING, lease_expires_at=Now())
    jobs = [waiting() for _ in range(4)]
    assert release_jobs(QUEUE) == [jobs[0].pk, jobs[1].pk]
    assert release_jobs(QUEUE) == []
    assert message_ids(QUEUE) == [str(jobs[0].pk), str(jobs[1].pk)]


def test_the_body_of_a_message_is_the_id_and_nothing_else(waiting: Callable[..., Job]) -> None:
    job = waiting(payload={"secret": "sesame"})
    release_jobs(QUEUE)
    [message] = messages(QUEUE)
    body = message_body(message)
    assert body[:2] == [[str(job.pk)], {}]
    assert message["headers"]["task"] == "jobs.execute_job"
    assert "sesame" not in json.dumps(message)


def test_a_message_is_what_celery_would_send(waiting: Callable[..., Job]) -> None:
    job = waiting()
    release_jobs(QUEUE)
    current_app.send_task("jobs.execute_job", args=[str(job.pk)], queue=QUEUE)
    ours, theirs = messages(QUEUE)
    assert message_body(ours) == message_body(theirs)
    for message in (ours, theirs):
        headers, properties = message["headers"], message["properties"]
        assert headers.pop("id") == headers.pop("root_id") == properties.pop("correlation_id")
        # If the task is registered here, `send_task` also says what the worker knows of it anyway.
        assert not headers.pop("ignore_result")
        del headers["timelimit"]
        assert UUID(properties.pop("delivery_tag"))
    assert ours["headers"] == theirs["headers"]
    assert ours == theirs


def test_priority_goes_before_age(waiting: Callable[..., Job]) -> None:
    old, urgent, young = waiting(), waiting(priority=9), waiting()
    assert release_jobs(QUEUE) == [urgent.pk, old.pk, young.pk]


def test_a_job_waits_for_its_time(waiting: Callable[..., Job]) -> None:
    waiting(scheduled_at=Now() + timedelta(hours=1), due=False)
    due = waiting(scheduled_at=Now() - timedelta(seconds=1), due=False)
    assert release_jobs(QUEUE) == []
    release_due_jobs()
    assert message_ids(QUEUE) == [str(due.pk)]


def test_a_paused_queue_hands_out_nothing(waiting: Callable[..., Job]) -> None:
    job = waiting()
    Queue.objects.filter(name=QUEUE).update(paused=True)
    assert release_jobs(QUEUE) == []
    Queue.objects.filter(name=QUEUE).update(paused=False)
    assert release_jobs(QUEUE) == [job.pk]


def test_no_limit_hands_out_all_a_batch_at_a_time(waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.dispatch.release.BATCH_SIZE", 4)
    Queue.objects.filter(name=QUEUE).update(max_running=None)
    ids = [waiting().pk for _ in range(6)]
    assert [release_jobs(QUEUE) for _ in range(3)] == [ids[:4], ids[4:], []]


def test_many_releasing_at_once_keep_the_limit(waiting: Callable[..., Job]) -> None:
    for _ in range(30):
        waiting()

    with Threads(10) as threads:
        assert sum(map(len, threads.map(release_jobs, [QUEUE] * 10))) == 3
    assert len(message_ids(QUEUE)) == 3


@pytest.mark.parametrize("broken", [valkey_hung, valkey_killed])
def test_without_redis_the_job_goes_back_to_waiting_within_two_seconds(
    broken: Callable[[], Any], waiting: Callable[..., Job], owner: User
) -> None:
    job = waiting()
    with broken():
        started = time.monotonic()
        release_jobs(QUEUE)
        elapsed = time.monotonic() - started
    assert elapsed < 2
    job.refresh_from_db()
    assert (job.state, job.released_at) == (State.QUEUED, None)
    assert release_jobs(QUEUE) == [job.pk]
    assert message_ids(QUEUE)[-1] == str(job.pk)


def test_publishing_nothing_is_nothing() -> None:
    publish_jobs(QUEUE, [])
    assert messages(QUEUE) == []


@pytest.mark.slow
def test_release_and_those_who_cancel_never_wait_for_each_other_in_a_circle(waiting: Callable[..., Job]) -> None:
    """Both lock many jobs at once. What is cancelled is not released, and the other way round it is cancelled later."""
    Queue.objects.filter(name=QUEUE).update(max_running=None)
    for _ in range(5):
        ids = [waiting().pk for _ in range(40)]

        def act(number: int, ids: list[UUID] = ids) -> None:
            if number % 2:
                cancel_jobs(random.sample(ids, len(ids)), actor="ada")
            else:
                release_jobs(QUEUE)

        with Threads(8) as threads:
            list(threads.map(act, range(8)))
        assert set(Job.objects.values_list("state", "released_at")) == {(State.CANCELLED, None)}
        for job in Job.objects.prefetch_related("events"):
            assert [event.name for event in job.events.all()][-1] == "cancelled"


def test_a_job_that_is_cancelled_while_its_turn_comes_is_passed_over(waiting: Callable[..., Job]) -> None:
    job, other = waiting(), waiting()
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(state=State.CANCELLED)
        assert elsewhere(lambda: release_jobs(QUEUE)) == [other.pk]
    job.refresh_from_db()
    assert job.released_at is None
    assert not job.events.exists()


def test_a_job_that_was_cancelled_since_its_turn_was_picked_is_passed_over(
    waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement picks from its snapshot, and is held up before it locks what it picked."""
    locking = "FROM picked, LATERAL ( SELECT state"
    held_up = locking.replace("picked", "(SELECT picked.*, pg_advisory_xact_lock(20) FROM picked OFFSET 0) AS picked")
    assert fairness.HAND_OUT.count(locking) == 1
    monkeypatch.setattr(fairness, "HAND_OUT", fairness.HAND_OUT.replace(locking, held_up))
    job, other = waiting(), waiting()
    with Threads(1) as thread:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(20)")
            released = thread.submit(release_jobs, QUEUE)
            wait_until(a_session_waits_for_a_lock)
            elsewhere(lambda: Job.objects.filter(pk=job.pk).update(state=State.CANCELLED))
        assert released.result() == [other.pk]
    job.refresh_from_db()
    assert job.released_at is None


def test_finishing_and_cancelling_never_wait_for_each_other_in_a_circle(waiting: Callable[..., Job]) -> None:
    """Who cancels has locked the waiting job and waits for the running one, which hands out its place as it ends."""
    Queue.objects.filter(name=QUEUE).update(max_running=1)
    running, job = waiting(released_at=Now()), waiting()
    attempt = claim_job(running.pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=job.pk)
        assert elsewhere(partial(go_on, attempt)).attempt is None
        assert Job.objects.select_for_update().get(pk=running.pk).state == State.SUCCEEDED


def test_what_an_intervention_kept_from_its_turn_has_it_afterwards(waiting: Callable[..., Job]) -> None:
    job = waiting()
    with transaction.atomic():
        assert requeue_jobs([job.pk], actor="ada", reason="r").refused == {job.pk: "it is queued"}
        assert elsewhere(lambda: release_jobs(QUEUE)) == []
    job.refresh_from_db()
    assert job.released_at


def test_a_cancelled_job_makes_room_for_the_next(waiting: Callable[..., Job]) -> None:
    Queue.objects.filter(name=QUEUE).update(max_running=1)
    waiting(released_at=Now())
    job = waiting()
    cancel_jobs(Job.objects.exclude(pk=job.pk).values_list("pk", flat=True), actor="ada")
    job.refresh_from_db()
    assert job.released_at


def test_what_is_committed_with_a_hand_out_is_on_the_disk(waiting: Callable[..., Job]) -> None:
    """A hand-out alone need not be: its commit does not wait for the disk."""
    attempt = claim_job(waiting(released_at=Now()).pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt
    for act in (partial(go_on, attempt), partial(release_jobs, QUEUE)):
        job = waiting()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")
            act()
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)
    assert message_ids(QUEUE) == [str(job.pk)]


def go_on(attempt: Attempt) -> Next:
    context, reserved = JobContext(attempt, lease_seconds=60), Reserved(attempt.job.queue)
    return finish_and_claim_next(context, reserved=reserved, result=None, rows=0, peak_memory_bytes=0)


def elsewhere(act: Callable[[], T]) -> T:
    """Do it on another connection, which does not wait."""

    def without_waiting() -> T:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 1000")
        return act()

    with Threads(1) as thread:
        return thread.submit(without_waiting).result()


def test_a_queue_that_the_settings_do_not_name_is_told_and_holds_up_no_other(waiting: Callable[..., Job]) -> None:
    Queue.objects.create(name="team-a")
    stuck, fine = waiting(queue="team-a"), waiting()
    with capture_logs() as logs:
        release_due_jobs()
    assert message_ids(QUEUE) == [str(fine.pk)]
    assert [(line["event"], line["queue"], line["log_level"]) for line in logs if "queue" in line] == [
        ("queue_not_declared", "team-a", "error")
    ]
    stuck.refresh_from_db()
    assert stuck.released_at is None
    [found] = [trouble.text for trouble in troubles([], []) if "team-a" in trouble.text]
    assert found == "The settings do not name the queue team-a: its jobs cannot run."


def test_a_message_to_a_queue_that_nobody_declared_is_no_outage(waiting: Callable[..., Job]) -> None:
    """As for jobs that were handed out before the queue was taken out of QUEUES."""
    job = waiting(queue="team-a", released_at=Now())
    with capture_logs() as logs:
        publish_jobs("team-a", [job.pk])
    [line] = [line for line in logs if line["event"] == "publish_failed"]
    assert (line["log_level"], line["error_class"]) == ("error", "QueueNotFound")
    job.refresh_from_db()
    assert job.released_at is None
    assert [(row.queue, row.error_class) for row in failures_now()] == [("team-a", "QueueNotFound")]


def test_an_answer_of_redis_is_told_and_its_absence_is_not(waiting: Callable[..., Job]) -> None:
    job = waiting()
    with valkey_killed(), capture_logs() as logs:
        release_jobs(QUEUE)
    [line] = [line for line in logs if line["event"] == "publish_failed"]
    assert line["log_level"] == "warning"
    assert not failures_now()
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.set(QUEUE, "a string in the list's place")
    release_jobs(QUEUE)
    job.refresh_from_db()
    assert job.released_at is None
    assert [(row.queue, row.error_class) for row in failures_now()] == [(QUEUE, "ResponseError")]
    [found] = [trouble for trouble in troubles([], []) if QUEUE in trouble.text]
    assert found.text == f"Jobs in the queue {QUEUE} cannot be handed to workers."
    assert found.advice.startswith("Publishing fails with ResponseError: ")
    assert "WRONGTYPE" in found.advice
    PublishFailure.objects.update(at=Now() - timedelta(minutes=2))
    assert not failures_now()
