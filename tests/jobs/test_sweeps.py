"""What Beat runs: each sweep mends one thing, bounded, and one at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask

from jobs import sweeps, tasks
from jobs.artifacts import storage_name
from jobs.events import record_event
from jobs.models import Artifact, Attempt, Event, Job, Queue, Sweep
from jobs.retry import Retry
from jobs.states import Outcome, State
from jobs.sweeping import SWEEPS, alone
from jobs.transitions import claim_job, fail_job
from tests.jobs.messages import message_ids
from tests.locks import a_session_waits_for_a_lock
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PAST = Now() - timedelta(hours=1)


@pytest.fixture(autouse=True)
def nothing_is_published(db: None) -> None:
    """Workers of other tests may be listening."""
    Queue.objects.update(paused=True)


def orphan(job: Job) -> Attempt:
    """Claim it, and let the worker vanish."""
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, released_at=Now())
    attempt = claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    Job.objects.filter(pk=job.pk).update(lease_expires_at=PAST)
    return attempt


def test_a_job_whose_worker_vanished_is_retried(make_job: Callable[..., Job]) -> None:
    job = make_job()
    attempt = orphan(job)
    sweeps.rescue_orphaned_jobs()
    sweeps.rescue_orphaned_jobs()
    job.refresh_from_db()
    attempt.refresh_from_db()
    assert (job.state, attempt.outcome) == (State.FAILED, Outcome.LOST)
    assert job.error_class == attempt.error_class == "jobs.errors.WorkerLostError"
    assert job.retry_at is not None


def test_a_job_that_loses_three_workers_in_a_row_is_dead(make_job: Callable[..., Job]) -> None:
    job = make_job(max_attempts=99)
    for expected in (State.FAILED, State.FAILED, State.DEAD):
        orphan(job)
        sweeps.rescue_orphaned_jobs()
        job.refresh_from_db()
        assert job.state == expected


def test_only_losses_in_a_row_count(make_job: Callable[..., Job]) -> None:
    job = make_job(max_attempts=99)
    for _ in range(2):
        orphan(job)
        sweeps.rescue_orphaned_jobs()
    Job.objects.update(state=State.QUEUED, released_at=Now())
    attempt = claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    fail_job(attempt, error=ValueError(), decision=Retry(timedelta()), rows=0, peak_memory_bytes=0)
    for expected in (State.FAILED, State.FAILED, State.DEAD):
        orphan(job)
        sweeps.rescue_orphaned_jobs()
        job.refresh_from_db()
        assert job.state == expected


def test_a_running_job_with_a_lease_is_left_alone(make_job: Callable[..., Job]) -> None:
    job = make_job()
    claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    sweeps.rescue_orphaned_jobs()
    assert Job.objects.get().state == State.RUNNING


def test_failed_jobs_are_queued_again_when_their_time_has_come(make_job: Callable[..., Job]) -> None:
    due = make_job(state=State.FAILED, retry_at=PAST)
    early = make_job(state=State.FAILED, retry_at=Now() + timedelta(hours=1))
    sweeps.retry_failed_jobs()
    assert dict(Job.objects.values_list("pk", "state")) == {due.pk: State.QUEUED, early.pk: State.FAILED}


def test_a_message_that_redis_lost_is_sent_again(make_job: Callable[..., Job], unheard: str) -> None:
    lost, fresh = make_job(queue=unheard, released_at=PAST), make_job(queue=unheard)
    fresh.refresh_from_db()
    released_at = fresh.released_at
    sweeps.republish_lost_jobs()
    sweeps.republish_lost_jobs()
    assert message_ids(unheard) == [str(lost.pk)]
    assert Job.objects.filter(pk=fresh.pk, released_at=released_at).exists()
    assert Job.objects.filter(pk=lost.pk, released_at__gt=released_at).exists()


def test_waiting_jobs_are_released(make_job: Callable[..., Job]) -> None:
    Queue.objects.filter(name="callbacks").update(paused=False)
    job = make_job(queue="callbacks", kind="gone", released_at=None, state=State.QUEUED)
    sweeps.release_due_jobs()
    job.refresh_from_db()
    assert job.released_at is not None


def test_a_file_whose_time_is_over_is_deleted_and_the_row_says_so(make_job: Callable[..., Job]) -> None:
    storage = storages["artifacts"]
    artifacts = []
    for number, expires in enumerate((PAST, Now() + timedelta(hours=1))):
        artifacts.append(
            Artifact.objects.create(
                job=make_job(state=State.SUCCEEDED), role="result", filename="x", content_type="text/csv",
                encoding="utf-8", row_count=0, size_bytes=1, sha256="0" * 64, published_at=Now(), expires_at=expires,
                storage_name=storage.save(f"sweep-{number}", ContentFile(b"x")),
            )
        )  # fmt: skip
    sweeps.expire_artifacts()
    sweeps.expire_artifacts()
    for artifact in artifacts:
        artifact.refresh_from_db()
    assert [storage.exists(artifact.storage_name) for artifact in artifacts] == [False, True]
    assert [artifact.deleted_at is None for artifact in artifacts] == [False, True]


def test_an_expired_file_stands_in_the_timeline(make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.SUCCEEDED)
    artifact_of(job, expires_at=PAST)
    sweeps.expire_artifacts()
    sweeps.expire_artifacts()
    assert [(event.name, event.details) for event in job.events.all()] == [("expired", {"file": "x"})]


def test_a_file_that_cannot_be_deleted_does_not_keep_the_others(make_job: Callable[..., Job]) -> None:
    storage = storages["artifacts"]
    stuck = artifact_of(make_job(state=State.SUCCEEDED), expires_at=Now() - timedelta(hours=2))
    storage.save(f"{stuck.storage_name}/inside", ContentFile(b"x"))  # a folder that is not empty
    other = artifact_of(make_job(state=State.SUCCEEDED), expires_at=PAST)
    storage.save(other.storage_name, ContentFile(b"x"))
    assert sweeps.expire_artifacts() == 1
    stuck.refresh_from_db()
    other.refresh_from_db()
    assert (stuck.deleted_at, other.deleted_at is None) == (None, False)
    storage.delete(f"{stuck.storage_name}/inside")
    assert sweeps.expire_artifacts() == 1


def artifact_of(job: Job, **values: Any) -> Artifact:
    defaults: dict[str, Any] = {
        "role": "result", "filename": "x", "content_type": "text/csv", "encoding": "utf-8", "row_count": 0,
        "size_bytes": 1, "sha256": "0" * 64, "published_at": Now(), "storage_name": storage_name(job.pk, 1, "result"),
    }  # fmt: skip
    return Artifact.objects.create(job=job, **{**defaults, **values})


def stored_file(job: Job, token: int) -> str:
    name = storage_name(job.pk, token, "result")
    return storages["artifacts"].save(name, ContentFile(b"x"))


def sweep_all_folders() -> int:
    return sum(sweeps.remove_orphan_files() or 0 for _ in range(256 // sweeps.FOLDERS_A_RUN))


def test_a_file_that_belongs_to_no_job_is_removed(make_job: Callable[..., Job], settings: Any) -> None:
    settings.ORPHAN_FILE_AGE_SECONDS = 0
    sweep_all_folders()  # what earlier tests left behind
    running, failed, done = make_job(state=State.RUNNING, fencing_token=2), make_job(state=State.FAILED), make_job()
    artifact_of(done)
    kept = [
        stored_file(running, 2),
        stored_file(done, 1),
        storages["artifacts"].save("00/notes.txt", ContentFile(b"x")),
    ]
    orphans = [stored_file(running, 1), stored_file(failed, 1), stored_file(Job(), 1)]
    assert sweep_all_folders() == 3
    assert [storages["artifacts"].exists(name) for name in kept + orphans] == [True] * 3 + [False] * 3
    assert sweep_all_folders() == 0
    for name in kept:
        storages["artifacts"].delete(name)


def test_a_young_file_is_left_alone(make_job: Callable[..., Job], settings: Any) -> None:
    settings.ORPHAN_FILE_AGE_SECONDS = 3600
    name = stored_file(make_job(state=State.FAILED), 1)
    assert sweep_all_folders() == 0
    storages["artifacts"].delete(name)


def test_a_run_looks_through_some_folders_and_the_next_goes_on() -> None:
    positions = []
    for _ in range(256 // sweeps.FOLDERS_A_RUN + 1):
        sweeps.remove_orphan_files()
        positions.append(Sweep.objects.get(name="remove_orphan_files").position)
    assert positions[:2] == ["0f", "1f"]
    assert positions[-2:] == ["", "0f"]


def test_old_jobs_are_pruned_with_all_that_is_theirs_but_never_dead_ones(
    make_job: Callable[..., Job], settings: Any
) -> None:
    settings.HISTORY_DAYS = 30
    old = Now() - timedelta(days=31)
    gone = [make_job(state=state, finished_at=old) for state in (State.SUCCEEDED, State.CANCELLED)]
    for job in gone:
        artifact_of(job, deleted_at=Now())
        Attempt.objects.create(job=job, number=1, fencing_token=1, worker="w")
        record_event(job.pk, Event.Name.COMPLETED)
    kept = [
        make_job(state=State.DEAD, finished_at=old),
        make_job(state=State.FAILED, finished_at=old),
        make_job(state=State.SUCCEEDED, finished_at=Now() - timedelta(days=29)),
        make_job(state=State.SUCCEEDED, finished_at=old),
    ]
    artifact_of(kept[-1])  # its file is still there
    assert sweeps.prune_jobs() == 2
    assert set(Job.objects.all()) == set(kept)
    assert (Artifact.objects.count(), Attempt.objects.count(), Event.objects.count()) == (1, 0, 0)
    assert sweeps.prune_jobs() == 0


@pytest.mark.parametrize("name", SWEEPS)
def test_every_sweep_says_when_it_ran_and_is_seeded(name: str) -> None:
    assert SWEEPS[name]() == 0
    row = Sweep.objects.get(name=name)
    assert row.last_finished_at is not None
    assert row.last_finished_at >= row.last_started_at
    assert (row.last_handled, row.last_error) == (0, "")
    assert PeriodicTask.objects.get(name=f"jobs.{name}").task == f"jobs.{name}"
    assert f"jobs.{name}" in current_app.tasks, tasks


def test_a_sweep_that_fails_says_so_and_frees_its_lock(make_job: Callable[..., Job], settings: Any) -> None:
    sweeps.prune_jobs()
    finished_at = Sweep.objects.get().last_finished_at
    settings.HISTORY_DAYS = "password=sesame"
    for _ in range(2):
        with pytest.raises(TypeError):
            sweeps.prune_jobs()
    row = Sweep.objects.get()
    assert finished_at is not None
    assert row.last_finished_at == finished_at < row.last_started_at
    assert row.last_error.startswith("TypeError")
    settings.HISTORY_DAYS = 1
    assert sweeps.prune_jobs() == 0
    assert Sweep.objects.get().last_error == ""


def test_sweeps_of_a_large_table_read_by_index(make_job: Callable[..., Job]) -> None:
    """Of 20,000 jobs that have ended, each reads a handful of pages."""
    make_job(state=State.SUCCEEDED, finished_at=Now())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_job (id, kind, queue, payload, state, priority, due, attempt_count, max_attempts, "
            "fencing_token, progress_done, progress_percent, error_class, error_message, error_fingerprint, "
            "request_fingerprint, finished_at) SELECT gen_random_uuid(), kind, queue, payload, state, priority, due, "
            "0, 1, 0, 0, 100, '', '', '', '', finished_at FROM jobs_job, generate_series(1, 20000)"
        )
        cursor.execute("ANALYZE jobs_job")
        for name, sweep in SWEEPS.items():
            before = pages_read(cursor)
            assert sweep() == 0
            assert pages_read(cursor) - before < 60, name


def pages_read(cursor: Any) -> int:
    """Of jobs_job, by this session."""
    cursor.execute("SELECT pg_stat_force_next_flush()")
    cursor.execute("SELECT heap_blks_hit + heap_blks_read FROM pg_statio_user_tables WHERE relname = 'jobs_job'")
    return int(cursor.fetchone()[0])


@contextmanager
def running_elsewhere(sweep: str) -> Iterator[None]:
    """Another session is in that sweep."""
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with alone(sweep) as granted:
            assert granted
            inside.set()
            leave.wait(10)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)
    try:
        yield
    finally:
        leave.set()
        thread.join()


def test_a_sweep_that_runs_elsewhere_does_nothing_here(make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.FAILED, retry_at=PAST)
    with running_elsewhere("retry_failed_jobs"):
        sweeps.retry_failed_jobs()
        job.refresh_from_db()
        assert job.state == State.FAILED
    sweeps.retry_failed_jobs()
    job.refresh_from_db()
    assert job.state == State.QUEUED


@pytest.mark.parametrize(
    ("sweep", "values"),
    [
        (sweeps.retry_failed_jobs, {"state": State.FAILED, "retry_at": PAST}),
        (sweeps.rescue_orphaned_jobs, {"state": State.RUNNING, "lease_expires_at": PAST, "fencing_token": 1}),
    ],
)
def test_a_job_that_another_writer_changes_meanwhile_is_left_to_it(
    sweep: Callable[[], None], values: dict[str, Any], make_job: Callable[..., Job]
) -> None:
    """The sweep reads the row as it was, and its own UPDATE waits for the other's commit."""
    job, other = make_job(**values), make_job(**values)
    Attempt.objects.create(job=job, number=1, fencing_token=1, worker="w")
    Attempt.objects.create(job=other, number=1, fencing_token=1, worker="w")

    def run() -> None:
        sweep()
        connections.close_all()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(state=State.CANCELLED)
        thread.start()
        wait_until(a_session_waits_for_a_lock, message="the sweep waits for the row")
    thread.join()
    job.refresh_from_db()
    other.refresh_from_db()
    assert job.state == State.CANCELLED
    assert Attempt.objects.get(job=job).outcome == ""
    assert other.state != values["state"]
