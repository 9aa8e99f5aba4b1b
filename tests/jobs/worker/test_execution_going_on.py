"""A worker goes on with the next small job, without a message for each."""

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, OperationalError, connection, connections
from django.test.utils import CaptureQueriesContext

from jobs.context import JobContext
from jobs.dispatch.release import release_jobs
from jobs.models import Attempt, Job, Queue
from jobs.states import State
from jobs.worker.execution import execute_job
from jobs.worker.going_on import Next
from tests.support.messages import message_ids
from tests.support.small_file import write
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def small_jobs(make_job: Callable[..., Job], queue: str, count: int) -> list[Job]:
    return [make_job(queue=queue, released_at=None) for _ in range(count)]


def test_a_worker_goes_on_with_the_next_small_job_without_a_message(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)
    monkeypatch.setattr("jobs.worker.reserved.WORTH_SECONDS", 60)
    kind_of(lambda context: None)
    jobs = small_jobs(make_job, unheard, 5)
    [first] = release_jobs(unheard)
    assert message_ids(unheard) == [str(first)]
    with CaptureQueriesContext(connection) as queries:
        execute_job(first, worker="w", celery_task_id="t")
    assert len(queries) == 2 + 5 * 3 + 2, (
        "a claim, and whether another message is of use; for each end the lock, the end, and the next claim;"
        " after a pause the lock and the claim"
    )
    assert set(Job.objects.values_list("state", flat=True)) == {State.SUCCEEDED}
    assert [attempt.job_id for attempt in Attempt.objects.order_by("pk")] == [job.pk for job in jobs]
    assert message_ids(unheard) == [str(first)]


def test_places_that_it_does_not_take_itself_are_published(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=3)
    monkeypatch.setattr("jobs.worker.execution.GO_ON_SECONDS", 60)
    kind_of(lambda context: None)
    monkeypatch.setattr("jobs.worker.execution.Reserved.how_many", lambda seconds: 0)
    first = make_job(queue=unheard)
    jobs = small_jobs(make_job, unheard, 4)
    execute_job(first.pk, worker="w")
    states = [Job.objects.get(pk=job.pk).state for job in (first, *jobs)]
    assert states == [State.SUCCEEDED, State.QUEUED, State.SUCCEEDED, State.QUEUED, State.SUCCEEDED]
    assert message_ids(unheard) == [str(jobs[0].pk), str(jobs[2].pk)]


def test_places_that_are_left_go_to_lower_priorities(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=3)
    ordered: list[Job] = []

    def handler(context: JobContext) -> None:
        if context.job.pk == first.pk:
            ordered.append(make_job(queue=unheard, released_at=None))
            ordered.append(make_job(queue=unheard, released_at=None, priority=1))

    kind_of(handler)
    first = make_job(queue=unheard)
    execute_job(first.pk, worker="w")
    low, high = ordered
    assert [attempt.job_id for attempt in Attempt.objects.order_by("pk")] == [first.pk, high.pk]
    assert message_ids(unheard) == [str(low.pk)]


def test_a_job_that_succeeded_is_not_ended_again_where_the_rest_cannot_be_handed_out(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str, caplog: pytest.LogCaptureFixture
) -> None:
    Queue.objects.filter(name=unheard).update(max_running=3)

    def handler(context: JobContext) -> None:
        low = make_job(queue=unheard, released_at=None)
        make_job(queue=unheard, released_at=None, priority=1)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE jobs_event ADD CONSTRAINT not_low CHECK (job_id <> %s)", [low.pk])

    kind_of(handler)
    first = make_job(queue=unheard)
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


def test_what_a_worker_has_reserved_is_published_when_it_stops(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.worker.reserved.WORTH_SECONDS", 60)
    Queue.objects.filter(name=unheard).update(max_running=50)
    jobs: list[Job] = []

    def handler(context: JobContext) -> None:
        jobs.append(context.job)
        if len(jobs) == 1:
            jobs.extend(small_jobs(make_job, unheard, 3))
        else:
            monkeypatch.setattr("jobs.worker.execution.is_stopping", lambda: True)

    kind_of(handler)
    execute_job(make_job(queue=unheard).pk, worker="w")
    assert jobs.pop() == jobs[1]
    assert message_ids(unheard) == [str(job.pk) for job in jobs[2:]]
    assert Job.objects.filter(state=State.SUCCEEDED).count() == 2


def test_nobody_waits_behind_a_job_that_takes_longer_than_expected(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.worker.reserved.WORTH_SECONDS", 60)
    Queue.objects.filter(name=unheard).update(max_running=50)
    jobs: list[Job] = []
    seen: list[list[str]] = []

    def handler(context: JobContext) -> None:
        if not jobs:
            jobs.extend(small_jobs(make_job, unheard, 3))
        elif context.job.pk == jobs[0].pk:
            seen.append(message_ids(unheard))
            wait_until(lambda: len(message_ids(unheard)) == 2)

    kind_of(handler)
    execute_job(make_job(queue=unheard).pk, worker="w")
    assert seen == [[]]
    assert message_ids(unheard) == [str(job.pk) for job in jobs[1:]]


def test_a_claim_that_answers_a_message_calls_one_more_worker(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str
) -> None:
    seen: list[list[str]] = []
    kind_of(lambda context: seen.append(message_ids(unheard)))
    first = make_job(queue=unheard)
    jobs = small_jobs(make_job, unheard, 2)
    execute_job(first.pk, worker="w")
    assert seen[0] == [str(jobs[0].pk)]


def test_a_job_runs_though_the_next_cannot_be_handed_out(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(queue: str, **options: object) -> list[object]:
        if "at_most" in options:
            raise OperationalError("no connection")
        return []

    monkeypatch.setattr("jobs.worker.execution.release_jobs", refuse)
    kind_of(lambda context: None)
    first = make_job(queue=unheard)
    execute_job(first.pk, worker="w")
    assert Job.objects.get().state == State.SUCCEEDED


def test_a_worker_does_not_wait_for_more_jobs_that_write_files(
    kind_of: Callable[..., str], make_job: Callable[..., Job], unheard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause(*args: object, **options: object) -> Next:
        raise AssertionError("it waits")

    monkeypatch.setattr("jobs.worker.execution.claim_next_soon", pause)
    kind_of(write)
    job = make_job(queue=unheard)
    execute_job(job.pk, worker="w")
    assert Job.objects.get().state == State.SUCCEEDED
