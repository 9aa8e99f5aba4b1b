"""Each end of a job that calls back becomes one delivery, whoever ends it and whoever tells of it."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from jobs.announcing import announce_end
from jobs.bulk.undo import snapshot_jobs, undo_batch
from jobs.context import JobContext
from jobs.errors import PermanentError, RetryableError
from jobs.interventions.cancellation import cancel_jobs
from jobs.interventions.dead_letter import discard_jobs, requeue_jobs
from jobs.interventions.purging import purge_jobs
from jobs.maintenance.announcements import announce_ended_jobs
from jobs.models import Callback, Job
from jobs.models.bulk import BulkItem, BulkRun
from jobs.outbound.urls import bucket_of
from jobs.states import State
from jobs.webhooks.announcing import add_callback
from jobs.worker.execution import execute_job
from tests.support.deliveries import URL, deliveries, told
from tests.support.small_file import write
from tests.support.threads import Threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]


def fail_with(error: Exception) -> Callable[[JobContext], None]:
    def handler(context: JobContext) -> None:
        raise error

    return handler


def succeed(context: JobContext) -> None:
    return None


@pytest.mark.parametrize(
    ("handler", "event", "status"),
    [
        (succeed, "test.completed", "Complete"),
        (write, "test.completed", "Complete"),
        (fail_with(PermanentError("never")), "test.failed", "Failed"),
    ],
)
def test_the_worker_that_ends_a_job_announces_it(
    handler: Callable[[JobContext], None],
    event: str,
    status: str,
    kind_of: Callable[..., str],
    calling_job: Callable[..., Job],
    owner: User,
) -> None:
    kind_of(handler)
    job = calling_job()
    execute_job(job.pk, worker="w")
    [delivery] = deliveries()
    job.refresh_from_db()
    assert job.finished_at is not None
    assert not job.calls_back
    assert (delivery.owner, delivery.queue, delivery.type, delivery.state) == (
        owner, "callbacks", bucket_of(URL), State.QUEUED
    )  # fmt: skip
    message = delivery.payload.pop("message")
    assert message.startswith("msg_")
    assert "." not in message
    assert delivery.payload == {
        "job": str(job.pk),
        "url": URL,
        "host": "example.com",
        "body": {
            "type": event,
            "timestamp": job.finished_at.isoformat().replace("+00:00", "Z"),
            "data": {"id": str(job.pk), "status": status},
        },
    }
    assert announce_ended_jobs() == 0


def test_a_job_that_its_worker_cancels_is_announced(
    kind_of: Callable[..., str], calling_job: Callable[..., Job]
) -> None:
    def handler(context: JobContext) -> None:
        cancel_jobs([context.job.pk], actor="grace")
        assert not deliveries()
        raise RetryableError("ended by the way")

    kind_of(handler)
    execute_job(calling_job().pk, worker="w")
    assert told() == ["test.canceled"]


def test_an_attempt_that_is_retried_is_no_end(kind_of: Callable[..., str], calling_job: Callable[..., Job]) -> None:
    kind_of(fail_with(RetryableError("again")))
    job = calling_job()
    execute_job(job.pk, worker="w")
    assert (told(), announce_ended_jobs()) == ([], 0)
    job.refresh_from_db()
    assert job.calls_back


@pytest.mark.parametrize("state", [State.QUEUED, State.FAILED, State.DEAD])
def test_what_staff_cancel_is_announced(state: State, calling_job: Callable[..., Job]) -> None:
    job = calling_job(state=state)
    cancel_jobs([job.pk], actor="grace")
    assert told() == ["test.canceled"]


def test_what_postgresql_quotes_of_a_delivery_is_not_logged(
    calling_job: Callable[..., Job], caplog: pytest.LogCaptureFixture
) -> None:
    job = calling_job()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_job ADD CONSTRAINT no_deliveries CHECK (kind <> 'callback') NOT VALID")
    try:
        cancel_jobs([job.pk], actor="grace")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE jobs_job DROP CONSTRAINT no_deliveries")
    assert "announcement_failed" in caplog.text
    assert "Failing row contains (***)" in caplog.text
    assert "example.com" not in caplog.text
    assert announce_ended_jobs() == 1


def test_each_end_is_announced_where_staff_requeue_and_discard(
    kind_of: Callable[..., str], calling_job: Callable[..., Job]
) -> None:
    errors: list[Exception] = [PermanentError("never"), PermanentError("never")]

    def handler(context: JobContext) -> None:
        raise errors.pop()

    kind_of(handler)
    job = calling_job()
    execute_job(job.pk, worker="w")
    requeue_jobs([job.pk], actor="grace", reason="r")
    assert announce_ended_jobs() == 0
    Job.objects.filter(pk=job.pk).update(released_at=Now())
    execute_job(job.pk, worker="w")
    discard_jobs([job.pk], actor="grace", reason="r")
    assert told() == ["test.failed", "test.failed", "test.canceled"]
    assert len({delivery.payload["message"] for delivery in deliveries()}) == 3


def test_a_requeued_job_that_succeeds_is_announced_again(
    kind_of: Callable[..., str], calling_job: Callable[..., Job]
) -> None:
    errors = [PermanentError("never")]

    def handler(context: JobContext) -> None:
        if errors:
            raise errors.pop()

    kind_of(handler)
    job = calling_job()
    execute_job(job.pk, worker="w")
    requeue_jobs([job.pk], actor="grace", reason="r")
    Job.objects.filter(pk=job.pk).update(released_at=Now())
    execute_job(job.pk, worker="w")
    assert told() == ["test.failed", "test.completed"]


def test_a_requeue_that_is_undone_announces_nothing_anew(calling_job: Callable[..., Job], owner: User) -> None:
    job = calling_job(state=State.DEAD, finished_at=Now(), released_at=None)
    assert announce_ended_jobs() == 1
    run = BulkRun.objects.create(act="requeue", criteria={}, reason="r", ordered_by=owner)
    before = snapshot_jobs([job.pk])[job.pk]
    requeue_jobs([job.pk], actor="grace", reason="r")
    BulkItem.objects.create(
        run=run, job_id=job.pk, fencing_token=0, level=0, outcome=BulkItem.Outcome.CHANGED, before=before
    )
    undo_batch(run, actor="grace", after=None)
    job.refresh_from_db()
    assert (job.state, announce_ended_jobs(), told()) == (State.DEAD, 0, ["test.failed"])


def test_of_many_at_once_one_announces(calling_job: Callable[..., Job]) -> None:
    job = calling_job(state=State.SUCCEEDED, finished_at=Now())
    with Threads(6) as threads:
        acts = [threads.submit(announce_end, job.pk) for _ in range(5)] + [threads.submit(announce_ended_jobs)]
        for act in acts:
            act.result()
    assert told() == ["test.completed"]


def test_a_job_has_a_delivery_for_each_url(calling_job: Callable[..., Job]) -> None:
    job = calling_job(state=State.SUCCEEDED, finished_at=Now())
    Callback.objects.create(job=job, url="https://other.example.com/")
    assert [delivery.payload["host"] for delivery in announce_end(job.pk)] == ["example.com", "other.example.com"]


def test_a_url_that_asks_while_the_job_is_purged_is_not_told(calling_job: Callable[..., Job]) -> None:
    job = calling_job(state=State.SUCCEEDED, finished_at=Now())
    purge_jobs([job.pk], actor="ada")
    add_callback(job.pk, url="https://other.example.com/")
    assert deliveries() == []
    assert list(Callback.objects.values_list("url", flat=True)) == [URL]


def test_a_job_that_calls_nobody_back_costs_nothing(kind_of: Callable[..., str], make_job: Callable[..., Job]) -> None:
    kind_of(succeed)
    job = make_job()
    with CaptureQueriesContext(connection) as queries:
        execute_job(job.pk, worker="w")
    assert [query["sql"] for query in queries if 'SET "calls_back"' in str(query["sql"])] == []
    assert announce_ended_jobs() == 0
