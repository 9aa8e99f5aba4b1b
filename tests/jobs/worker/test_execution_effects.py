"""Attempts that change the database together with the end of their job, and inputs that are refused with files."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.errors import LeaseLostError, RejectedError
from jobs.files.storage import artifact_storage
from jobs.interventions.dead_letter import requeue_jobs
from jobs.maintenance.files import expire_artifacts
from jobs.models import Artifact, Job, Queue
from jobs.states import Outcome, State
from jobs.worker import execution
from jobs.worker.beating import beat
from jobs.worker.execution import execute_job
from jobs.worker.heartbeat import Heartbeat
from jobs.worker.transitions import fail_job
from tests.support.small_file import CONTENT, DESCRIBED, write
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def execute(job: Job) -> Job:
    execute_job(job.pk, worker="w", celery_task_id="t")
    return Job.objects.get(pk=job.pk)


def close_queue() -> None:
    Queue.objects.filter(name="reports").update(accepting=False)


def test_the_effect_and_the_end_of_the_job_are_one_transaction(
    kind_of: Callable[..., str], make_job: Callable[..., Job]
) -> None:
    seen: dict[str, Any] = {}

    def effect() -> None:
        seen["in_transaction"] = connection.in_atomic_block
        seen["state"] = Job.objects.get().state
        close_queue()

    def handler(context: JobContext) -> dict[str, Any]:
        write(context)
        context.finish_with(effect)
        return {"rows": 1}

    kind_of(handler)
    job = execute(make_job())
    assert (job.state, job.result, seen) == (
        State.SUCCEEDED,
        {"rows": 1},
        {"in_transaction": True, "state": State.RUNNING},
    )
    assert Queue.objects.get(name="reports").accepting is False
    assert Artifact.objects.get().size_bytes == len(CONTENT)


def test_an_attempt_that_lost_its_job_has_no_effect(kind_of: Callable[..., str], make_job: Callable[..., Job]) -> None:
    def effect() -> None:
        close_queue()
        Job.objects.update(fencing_token=99)  # as another attempt would; rolled back with the rest

    kind_of(lambda context: context.finish_with(effect))
    job = execute(make_job())
    assert job.state == State.RUNNING
    assert Queue.objects.get(name="reports").accepting is True


def test_cancellation_is_noticed_during_the_effect(kind_of: Callable[..., str], make_job: Callable[..., Job]) -> None:
    def handler(context: JobContext) -> None:
        def effect() -> None:
            close_queue()
            with context.interruptible(connection.connection.cancel_safe), connection.cursor() as cursor:
                request_cancellation(context.job)  # would wait if the effect had locked the job's row
                cursor.execute("SELECT pg_sleep(60)")

        context.finish_with(effect)

    kind_of(handler)
    job = execute(make_job())
    assert job.state == State.CANCELLED
    assert Queue.objects.get(name="reports").accepting is True


def request_cancellation(job: Job) -> None:
    """From another session, as the API does."""

    def request() -> None:
        Job.objects.filter(pk=job.pk).update(cancel_requested_at=Now())
        connections.close_all()

    thread = threading.Thread(target=request)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def refuse(context: JobContext) -> None:
    write(context)
    raise RejectedError("3 rows are not valid.", code="rows-rejected", details={"upload": {"rowsFailed": 3}})


def test_a_rejected_input_keeps_the_files_that_say_why(
    kind_of: Callable[..., str], make_job: Callable[..., Job], stored: Callable[[], set[str]]
) -> None:
    kind_of(refuse)
    job = execute(make_job())
    assert job.state == State.DEAD
    assert job.result == {
        "error": {"code": "rows-rejected", "detail": "3 rows are not valid.", "retryable": False},
        "upload": {"rowsFailed": 3},
    }
    assert job.attempts.get().outcome == Outcome.FAILED
    assert stored() == {Artifact.objects.get().storage_name}


def test_a_canceled_job_keeps_no_files(
    kind_of: Callable[..., str], make_job: Callable[..., Job], stored: Callable[[], set[str]]
) -> None:
    def handler(context: JobContext) -> None:
        request_cancellation(context.job)
        refuse(context)

    kind_of(handler)
    job = execute(make_job())
    assert (job.state, Artifact.objects.count(), stored()) == (State.CANCELLED, 0, set())


def test_the_next_attempt_replaces_the_files(
    kind_of: Callable[..., str], make_job: Callable[..., Job], nothing_is_published: None
) -> None:
    kind_of(refuse)
    job = execute(make_job())
    requeue_jobs([job.pk], actor="staff", reason="the types have changed")
    Job.objects.update(released_at=Now())
    assert execute(job).state == State.DEAD
    assert [artifact.attempt for artifact in Artifact.objects.all()] == [2]


def test_a_refusal_whose_commit_gets_no_answer_is_no_error(
    kind_of: Callable[..., str], make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit_without_answer(*args: Any, **options: Any) -> Outcome:
        monkeypatch.undo()
        fail_job(*args, **options)
        raise OperationalError("server closed the connection unexpectedly")

    kind_of(refuse)
    monkeypatch.setattr(execution, "fail_job", commit_without_answer)
    assert execute(make_job()).state == State.DEAD
    assert Artifact.objects.count() == 1


def test_a_file_that_was_not_written_to_its_end_is_not_published(
    kind_of: Callable[..., str], make_job: Callable[..., Job], stored: Callable[[], set[str]]
) -> None:
    def handler(context: JobContext) -> None:
        with context.open_artifact(Artifact.Role.ERRORS, **DESCRIBED) as writer:
            writer.write(b"half of a ro")
            raise RejectedError("1 row is not valid.", code="rows-rejected", details={})

    kind_of(handler)
    assert execute(make_job()).state == State.DEAD
    assert (Artifact.objects.count(), stored()) == (0, set())


def test_a_file_that_the_storage_has_lost_makes_the_attempt_fail(
    kind_of: Callable[..., str], make_job: Callable[..., Job]
) -> None:
    def handler(context: JobContext) -> None:
        write(context)
        artifact_storage().delete(context.written[0].storage_name)
        raise RejectedError("1 row is not valid.", code="rows-rejected", details={})

    kind_of(handler)
    job = execute(make_job())
    assert (job.state, Artifact.objects.count()) == (State.FAILED, 0)
    assert "ArtifactMissingError" in job.error_class


def test_details_of_the_progress_are_written(kind_of: Callable[..., str], make_job: Callable[..., Job]) -> None:
    shown: list[Any] = []

    def handler(context: JobContext) -> None:
        context.report_details(phase="staged")
        context.report_details(bytesRead=7)
        wait_until(lambda: Job.objects.get().progress_details is not None)
        shown.append(Job.objects.get().progress_details)

    kind_of(handler)
    execute(make_job())
    assert shown == [{"phase": "staged", "bytesRead": 7}]


@pytest.mark.parametrize(("state", "expires"), [(State.QUEUED, False), (State.FAILED, False), (State.DEAD, True)])
def test_the_source_of_an_active_job_does_not_expire(
    state: State, expires: bool, make_job: Callable[..., Job], stored: Callable[[], set[str]]
) -> None:
    job = make_job(state=state)
    Artifact.objects.create(
        job=job,
        role=Artifact.Role.SOURCE,
        storage_name="ab/x.0.source",
        row_count=0,
        size_bytes=0,
        expires_at=Now() - timedelta(days=1),
    )
    assert expire_artifacts() == int(expires)
    assert (Artifact.objects.get().deleted_at is not None) is expires


def test_a_beat_after_the_commit_is_no_lost_lease(kind_of: Callable[..., str], make_job: Callable[..., Job]) -> None:
    def handler(context: JobContext) -> None:
        context.finish_with(lambda: None)
        seen.append(context)

    seen: list[JobContext] = []
    kind_of(handler)
    assert execute(make_job()).state == State.SUCCEEDED
    beat([Heartbeat(seen[0], None)], database=connection)
    assert seen[0].stop_reason is None
    Job.objects.update(fencing_token=99)
    beat([Heartbeat(seen[0], None)], database=connection)
    assert isinstance(seen[0].stop_reason, LeaseLostError)
