"""The sweep announces each end that nobody announced, and a closed queue or host holds up no other."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from uuid_utils.compat import uuid7

from jobs.announcing import CHANNELS, MOST_AT_ONCE
from jobs.errors import AdmissionError
from jobs.interventions.cancellation import cancel_jobs
from jobs.maintenance.announcements import announce_ended_jobs, ended_behind
from jobs.maintenance.recovery import rescue_orphaned_jobs
from jobs.models import Callback, Job, Queue, Sweep, TypeDials
from jobs.outbound.urls import bucket_of
from jobs.states import State
from jobs.worker.execution import execute_job
from jobs.worker.transitions import claim_job
from tests.support.deliveries import URL, deliveries, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]


def test_a_rescued_job_that_is_dead_is_announced_by_the_sweep(
    kind_of: Callable[..., str], calling_job: Callable[..., Job]
) -> None:
    kind_of(lambda context: None)
    job = calling_job(max_attempts=1)
    claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    Job.objects.update(lease_expires_at=Now())
    assert rescue_orphaned_jobs() == 1
    assert told() == []
    assert announce_ended_jobs() == 1
    assert told() == ["test.failed"]


def test_what_staff_end_in_bulk_is_announced_a_few_at_once_and_the_rest_by_the_sweep(
    calling_job: Callable[..., Job], make_job: Callable[..., Job]
) -> None:
    jobs = [calling_job() for _ in range(MOST_AT_ONCE + 3)]
    cancel_jobs([job.pk for job in [*jobs, make_job()]], actor="grace")
    assert len(told()) == MOST_AT_ONCE
    assert announce_ended_jobs() == 3
    assert sorted(delivery.payload["job"] for delivery in deliveries()) == sorted(str(job.pk) for job in jobs)


def test_while_no_callback_is_taken_the_job_ends_all_the_same_and_is_announced_later(
    kind_of: Callable[..., str], calling_job: Callable[..., Job]
) -> None:
    kind_of(lambda context: None)
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


def test_the_sweep_finds_what_it_looks_for_by_an_index(calling_job: Callable[..., Job]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        positions = ("", f"2026-01-02T03:04:05+0000 {uuid7()}")
        plans = [ended_behind(channel, at).values("pk")[:1].explain() for channel in CHANNELS for at in positions]
    indexes = ["jobs_job_to_announce", "jobs_job_to_announce", "jobs_job_to_mail", "jobs_job_to_mail"]
    assert [index in plan for index, plan in zip(indexes, plans, strict=True)] == [True] * 4
