"""Each end of a job that calls back becomes one delivery, whoever ends it and whoever tells of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from uuid_utils.compat import uuid7

from jobs.bulk.undo import snapshot_jobs, undo_batch
from jobs.context import JobContext
from jobs.errors import AdmissionError, PermanentError, RetryableError
from jobs.interventions.cancellation import cancel_jobs
from jobs.interventions.dead_letter import discard_jobs, requeue_jobs
from jobs.interventions.purging import purge_jobs
from jobs.maintenance.announcements import announce_ended_jobs, ended_behind
from jobs.maintenance.recovery import rescue_orphaned_jobs
from jobs.models import Callback, Job, Queue, Sweep, TypeDials
from jobs.models.bulk import BulkItem, BulkRun
from jobs.outbound.urls import bucket_of
from jobs.states import State
from jobs.webhooks.announcing import MOST_AT_ONCE, announce_end, tell_also
from jobs.worker.execution import execute_job
from jobs.worker.transitions import claim_job
from tests.support.small_file import write
from tests.support.threads import Threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]

URL = "https://example.com/hook?key=s3cret"


@pytest.fixture
def calling_job(make_job: Callable[..., Job]) -> Callable[..., Job]:
    def make(**values: Any) -> Job:
        job = make_job(**values)
        Callback.objects.create(job=job, url=URL)
        Job.objects.filter(pk=job.pk).update(calls_back=True)
        job.calls_back = True
        return job

    return make


def deliveries() -> list[Job]:
    return list(Job.objects.filter(kind="callback").order_by("pk"))


def told() -> list[str]:
    """The types of the events that are to be delivered."""
    return [delivery.payload["body"]["type"] for delivery in deliveries()]


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


def test_a_rescued_job_that_is_dead_is_announced_by_the_sweep(
    kind_of: Callable[..., str], calling_job: Callable[..., Job]
) -> None:
    kind_of(succeed)
    job = calling_job(max_attempts=1)
    claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    Job.objects.update(lease_expires_at=Now())
    assert rescue_orphaned_jobs() == 1
    assert told() == []
    assert announce_ended_jobs() == 1
    assert told() == ["test.failed"]


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


def test_what_staff_end_in_bulk_is_announced_a_few_at_once_and_the_rest_by_the_sweep(
    calling_job: Callable[..., Job], make_job: Callable[..., Job]
) -> None:
    jobs = [calling_job() for _ in range(MOST_AT_ONCE + 3)]
    cancel_jobs([job.pk for job in [*jobs, make_job()]], actor="grace")
    assert len(told()) == MOST_AT_ONCE
    assert announce_ended_jobs() == 3
    assert sorted(delivery.payload["job"] for delivery in deliveries()) == sorted(str(job.pk) for job in jobs)


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
    tell_also(job.pk, url="https://other.example.com/")
    assert deliveries() == []
    assert list(Callback.objects.values_list("url", flat=True)) == [URL]


def test_while_no_callback_is_taken_the_job_ends_all_the_same_and_is_announced_later(
    kind_of: Callable[..., str], calling_job: Callable[..., Job]
) -> None:
    kind_of(succeed)
    Queue.objects.filter(name="callbacks").update(accepting=False)
    job = calling_job()
    execute_job(job.pk, worker="w")
    job.refresh_from_db()
    assert (job.state, job.calls_back, told()) == (State.SUCCEEDED, True, [])
    Queue.objects.filter(name="callbacks").update(accepting=True)
    assert announce_ended_jobs() == 1
    assert told() == ["test.completed"]


def test_a_closed_queue_is_met_once_a_run_and_a_closed_host_keeps_no_other_from_being_told(
    calling_job: Callable[..., Job],
) -> None:
    ended = {"state": State.SUCCEEDED, "finished_at": Now()}
    jobs = [calling_job(**ended) for _ in range(3)]
    Queue.objects.filter(name="callbacks").update(accepting=False)
    with CaptureQueriesContext(connection) as queries, pytest.raises(AdmissionError):
        announce_ended_jobs()
    assert len([query for query in queries if 'SET "calls_back"' in str(query["sql"])]) == 1
    Queue.objects.filter(name="callbacks").update(accepting=True)
    TypeDials.objects.create(kind="callback", type=bucket_of(URL), accepting=False)
    Callback.objects.filter(job=jobs[2]).update(url="https://other.example.com/")
    with pytest.raises(AdmissionError):
        announce_ended_jobs()
    assert [delivery.payload["host"] for delivery in deliveries()] == ["other.example.com"]


def test_owners_of_whom_no_more_may_wait_keep_no_other_from_being_told(
    calling_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.maintenance.announcements.BATCH_SIZE", 4)
    Queue.objects.filter(name="callbacks").update(max_queued_per_owner=1)
    for hours in range(5, 0, -1):
        calling_job(state=State.SUCCEEDED, finished_at=Now() - timedelta(hours=hours))
    his = calling_job(state=State.SUCCEEDED, finished_at=Now(), owner=User.objects.create_user("bob"))
    assert announce_ended_jobs() == 2
    assert {delivery.owner for delivery in deliveries()} == {his.owner, User.objects.get(username="ada")}
    assert Sweep.objects.get(name="announce_ended_jobs").last_error == ""
    Job.objects.filter(kind="callback").update(state=State.SUCCEEDED, finished_at=Now())
    assert announce_ended_jobs() == 1


def test_types_that_take_no_more_keep_no_other_from_being_told(
    calling_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All have ended at one time, as those that staff end in bulk have."""
    monkeypatch.setattr("jobs.maintenance.announcements.BATCH_SIZE", 3)
    TypeDials.objects.create(kind="callback", type=bucket_of(URL), accepting=False)
    jobs = [calling_job(state=State.SUCCEEDED) for _ in range(8)]
    Callback.objects.filter(job=jobs[-1]).update(url="https://other.example.com/")
    Job.objects.update(finished_at=Now())
    for told_of in ([], [], [str(jobs[-1].pk)]):
        with pytest.raises(AdmissionError):
            announce_ended_jobs()
        assert [delivery.payload["job"] for delivery in deliveries()] == told_of
    TypeDials.objects.all().delete()
    assert [announce_ended_jobs() for _ in range(4)] == [3, 3, 1, 0]


def test_a_job_that_calls_nobody_back_costs_nothing(kind_of: Callable[..., str], make_job: Callable[..., Job]) -> None:
    kind_of(succeed)
    job = make_job()
    with CaptureQueriesContext(connection) as queries:
        execute_job(job.pk, worker="w")
    assert [query["sql"] for query in queries if 'SET "calls_back"' in str(query["sql"])] == []
    assert announce_ended_jobs() == 0


def test_the_sweep_finds_what_it_looks_for_by_an_index(calling_job: Callable[..., Job]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plans = [ended_behind(at).values("pk")[:1].explain() for at in ("", f"2026-01-02T03:04:05+0000 {uuid7()}")]
    assert ["jobs_job_to_announce" in plan for plan in plans] == [True, True]
