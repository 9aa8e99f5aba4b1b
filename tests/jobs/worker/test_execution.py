"""Running an attempt: what each end leaves behind."""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.errors import PermanentError, RetryableError
from jobs.models import Artifact, Attempt, Job, Queue
from jobs.states import Outcome, State
from jobs.worker.execution import execute_job
from jobs.worker.transitions import claim_job
from tests.support.small_file import CONTENT, write
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def execute(job: Job) -> Job:
    execute_job(job.pk, worker="w", celery_task_id="t")
    return Job.objects.get(pk=job.pk)


def test_success_publishes_the_file(
    kind_of: Callable[..., str], make_job: Callable[..., Job], stored: Callable[[], set[str]]
) -> None:
    def handler(context: JobContext) -> dict[str, Any]:
        assert not Artifact.objects.exists()
        write(context)
        return {"rowCount": 1}

    kind_of(handler)
    job = execute(make_job())
    assert (job.state, job.result) == (State.SUCCEEDED, {"rowCount": 1})
    artifact = Artifact.objects.get()
    assert (artifact.size_bytes, artifact.row_count, artifact.attempt) == (len(CONTENT), 1, 1)
    assert artifact.sha256 == sha256(CONTENT).hexdigest()
    assert stored() == {artifact.storage_name} == {f"{job.pk.hex[-2:]}/{job.pk}.1.result"}
    with storages["artifacts"].open(artifact.storage_name) as file:
        assert file.read() == CONTENT
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.rows, attempt.bytes) == (Outcome.SUCCEEDED, 1, len(CONTENT))
    assert (attempt.peak_memory_bytes or 0) > 10 * 1024 * 1024


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (RetryableError("later"), State.FAILED),
        (PermanentError("never"), State.DEAD),
        (ValueError("odd"), State.FAILED),
        (MemoryError(), State.FAILED),
    ],
)
def test_a_failure_leaves_no_file(
    error: Exception,
    state: State,
    kind_of: Callable[..., str],
    make_job: Callable[..., Job],
    stored: Callable[[], set[str]],
) -> None:
    def handler(context: JobContext) -> None:
        write(context)
        raise error

    kind_of(handler)
    job = execute(make_job())
    assert (job.state, job.retry_at is not None) == (state, state == State.FAILED)
    assert Attempt.objects.get().outcome == Outcome.FAILED
    assert stored() == set()
    assert not Artifact.objects.exists()


@pytest.mark.parametrize(("stopping", "outcome", "counted"), [(True, "handed_back", 0), (False, "failed", 1)])
def test_a_process_that_is_being_ended_hands_back_where_its_worker_was_told_to_stop(
    stopping: bool,
    outcome: str,
    counted: int,
    monkeypatch: pytest.MonkeyPatch,
    kind_of: Callable[..., str],
    make_job: Callable[..., Job],
    stored: Callable[[], set[str]],
) -> None:
    """A handler that calls sys.exit() by itself has failed."""
    Queue.objects.update(paused=True)

    def handler(context: JobContext) -> None:
        write(context)
        raise SystemExit

    monkeypatch.setattr("jobs.worker.execution.is_stopping", lambda: stopping)
    kind_of(handler)
    job = make_job()
    with pytest.raises(SystemExit):
        execute(job)
    assert stored() == set()
    job.refresh_from_db()
    assert (job.state, job.attempt_count) == (State.QUEUED if stopping else State.FAILED, counted)
    assert Attempt.objects.get().outcome == outcome


def test_the_last_attempt_that_fails_is_dead(kind_of: Callable[..., str], make_job: Callable[..., Job]) -> None:
    def handler(context: JobContext) -> None:
        raise RetryableError("again")

    kind_of(handler)
    assert execute(make_job(max_attempts=1)).state == State.DEAD


def test_a_job_of_an_app_that_is_gone_is_dead_at_once(make_job: Callable[..., Job]) -> None:
    job = execute(make_job(kind="gone"))
    assert (job.state, job.error_class) == (State.DEAD, "jobs.errors.UnknownKindError")


def test_a_second_message_for_a_finished_job_changes_nothing(
    kind_of: Callable[..., str], make_job: Callable[..., Job]
) -> None:
    kind_of(lambda context: {"run": context.attempt.number})
    job = execute(make_job())
    again = execute(job)
    assert (again.result, again.updated_at) == ({"run": 1}, job.updated_at)
    assert Attempt.objects.count() == 1


def test_a_message_for_a_job_that_does_not_exist_is_dropped(db: None) -> None:
    execute_job(UUID(int=1), worker="w")


def test_an_attempt_that_lost_its_lease_publishes_nothing_and_spares_its_heir(
    kind_of: Callable[..., str],
    make_job: Callable[..., Job],
    stored: Callable[[], set[str]],
) -> None:
    heirs: list[Attempt] = []

    def handler(context: JobContext) -> None:
        write(context)
        Job.objects.filter(pk=context.job.pk).update(state=State.QUEUED, released_at=Now())
        heir = claim_job(context.job.pk, worker="heir", celery_task_id="", lease_seconds=60)
        assert heir is not None
        heirs.append(heir)

    kind_of(handler)
    job = execute(make_job())
    assert (job.state, job.fencing_token) == (State.RUNNING, heirs[0].fencing_token)
    assert not Artifact.objects.exists()
    assert stored() == set()
    assert Attempt.objects.get(worker="heir").outcome == ""


def test_a_failure_after_the_lease_was_lost_changes_nothing(
    kind_of: Callable[..., str], make_job: Callable[..., Job], stored: Callable[[], set[str]]
) -> None:
    def handler(context: JobContext) -> None:
        write(context)
        Job.objects.filter(pk=context.job.pk).update(fencing_token=77)
        raise PermanentError("never")

    kind_of(handler)
    job = execute(make_job())
    assert (job.state, job.fencing_token, job.error_message) == (State.RUNNING, 77, "")
    assert Attempt.objects.get().outcome == ""
    assert stored() == set()


def test_the_heartbeat_ends_a_handler_whose_job_was_taken_away(
    kind_of: Callable[..., str], make_job: Callable[..., Job], settings: Any
) -> None:
    settings.LEASE_SECONDS = 3

    def handler(context: JobContext) -> None:
        Job.objects.filter(pk=context.job.pk).update(fencing_token=77)

        def goes_on() -> bool:
            context.check()
            return False

        wait_until(goes_on, timeout=10, message="check() raises")

    kind_of(handler)
    job = execute(make_job())
    assert (job.state, job.fencing_token) == (State.RUNNING, 77)


@pytest.mark.slow
def test_the_heartbeat_renews_the_lease_and_writes_progress_that_never_falls(
    kind_of: Callable[..., str], make_job: Callable[..., Job], settings: Any
) -> None:
    settings.LEASE_SECONDS = 3
    seen: list[tuple[int, int | None, int]] = []

    def row() -> Job:
        return Job.objects.get()

    def is_written(done: int) -> bool:
        return row().progress_done == done

    def handler(context: JobContext) -> None:
        lease = row().lease_expires_at
        for done, total in ((50, 100), (60, 1000), (5000, 1000)):
            context.report_progress(done, total=total)
            wait_until(partial(is_written, done), timeout=5)
            found = row()
            seen.append((found.progress_done, found.progress_total, found.progress_percent))
        later = row().lease_expires_at
        assert lease is not None
        assert later is not None
        assert later > lease

    kind_of(handler)
    job = execute(make_job())
    assert seen == [(50, 100, 50), (60, 1000, 50), (5000, 1000, 99)]
    assert (job.state, job.progress_percent) == (State.SUCCEEDED, 100)


@pytest.mark.slow
def test_a_heartbeat_survives_a_cut_connection(
    kind_of: Callable[..., str], make_job: Callable[..., Job], settings: Any
) -> None:
    settings.LEASE_SECONDS = 6

    def handler(context: JobContext) -> None:
        context.report_progress(1, total=10)
        wait_until(lambda: Job.objects.get().progress_done == 1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        context.report_progress(2)
        wait_until(lambda: Job.objects.get().progress_done == 2, message="the heartbeat goes on")

    kind_of(handler)
    assert execute(make_job()).state == State.SUCCEEDED
