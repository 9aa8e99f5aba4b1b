"""A worker goes on with the next small job, without a message for each."""

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, connections
from django.test.utils import CaptureQueriesContext

from jobs.context import JobContext
from jobs.dispatch.release import release_jobs
from jobs.models import Attempt, Job, Queue
from jobs.states import State
from jobs.worker.execution import execute_job
from tests.support.messages import message_ids

pytestmark = pytest.mark.django_db(transaction=True)


def small_jobs(make_job: Callable[..., Job], queue: str, count: int) -> list[Job]:
    return [make_job(queue=queue, released_at=None) for _ in range(count)]


def test_a_worker_goes_on_with_the_next_small_job_without_a_message(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)
    kind_of(lambda context: None)
    jobs = small_jobs(make_job, unheard, 5)
    [first] = release_jobs(unheard)
    assert message_ids(unheard) == [str(first)]
    with CaptureQueriesContext(connection) as queries:
        execute_job(first, worker="w", celery_task_id="t")
    assert len(queries) == 1 + 5 * 3, "a claim; for each end the lock, the end, and the next claim"
    assert set(Job.objects.values_list("state", flat=True)) == {State.SUCCEEDED}
    assert [attempt.job_id for attempt in Attempt.objects.order_by("pk")] == [job.pk for job in jobs]
    assert message_ids(unheard) == [str(first)]


def test_places_that_it_does_not_take_itself_are_published(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=3)
    monkeypatch.setattr("jobs.worker.execution.GO_ON_SECONDS", 60)
    kind_of(lambda context: None)
    first = make_job(queue=unheard)
    jobs = small_jobs(make_job, unheard, 3)
    execute_job(first.pk, worker="w")
    states = [Job.objects.get(pk=job.pk).state for job in (first, *jobs)]
    assert states == [State.SUCCEEDED, State.SUCCEEDED, State.QUEUED, State.QUEUED]
    assert message_ids(unheard) == [str(jobs[1].pk), str(jobs[2].pk)]


def test_places_that_are_left_go_to_lower_priorities(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=3)
    kind_of(lambda context: None)
    first = make_job(queue=unheard)
    low = make_job(queue=unheard, released_at=None)
    high = make_job(queue=unheard, released_at=None, priority=1)
    execute_job(first.pk, worker="w")
    assert [attempt.job_id for attempt in Attempt.objects.order_by("pk")] == [first.pk, high.pk]
    assert message_ids(unheard) == [str(low.pk)]


def test_a_job_that_succeeded_is_not_ended_again_where_the_rest_cannot_be_handed_out(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str, caplog: pytest.LogCaptureFixture
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=3)
    kind_of(lambda context: None)
    first = make_job(queue=unheard)
    low = make_job(queue=unheard, released_at=None)
    make_job(queue=unheard, released_at=None, priority=1)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_event ADD CONSTRAINT not_low CHECK (job_id <> %s)", [low.pk])
    try:
        with pytest.raises(IntegrityError):
            execute_job(first.pk, worker="w")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE jobs_event DROP CONSTRAINT not_low")
    assert Job.objects.get(pk=first.pk).state == State.SUCCEEDED
    assert "attempt_succeeded" in caplog.text
    assert "attempt_ended" not in caplog.text
    high = Job.objects.get(priority=1)
    assert (high.state, high.released_at, high.attempt_count) == (State.QUEUED, None, 0), "it is handed back"


@pytest.mark.parametrize(("stopping", "seconds"), [(True, 1.0), (False, 0.0)])
def test_a_worker_that_stops_or_has_gone_on_for_long_leaves_the_next_to_a_message(
    stopping: bool,
    seconds: float,
    kind_of: Callable[..., str],
    make_job: Callable[..., Job],
    unheard: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)
    monkeypatch.setattr("jobs.worker.execution.is_stopping", lambda: stopping)
    monkeypatch.setattr("jobs.worker.execution.GO_ON_SECONDS", seconds)
    kind_of(lambda context: None)
    first = make_job(queue=unheard)
    [second] = small_jobs(make_job, unheard, 1)
    execute_job(first.pk, worker="w")
    second.refresh_from_db()
    assert (second.state, message_ids(unheard)) == (State.QUEUED, [str(second.pk)])


def test_a_thread_of_a_pool_goes_on_for_longer_than_a_process(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its jobs wait for others, and no time limit ends its task."""
    Queue.objects.filter(name=unheard).update(max_running=1)
    monkeypatch.setattr("jobs.worker.execution.GO_ON_SECONDS", 0.0)
    kind_of(lambda context: None)
    first = make_job(queue=unheard)
    small_jobs(make_job, unheard, 2)

    def run() -> None:
        execute_job(first.pk, worker="w")
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert set(Job.objects.values_list("state", flat=True)) == {State.SUCCEEDED}
    assert message_ids(unheard) == []


def test_a_process_that_is_being_ended_publishes_the_next(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)

    def handler(context: JobContext) -> None:
        raise SystemExit

    kind_of(handler)
    first = make_job(queue=unheard)
    [second] = small_jobs(make_job, unheard, 1)
    with pytest.raises(SystemExit):
        execute_job(first.pk, worker="w")
    assert message_ids(unheard) == [str(second.pk)]
