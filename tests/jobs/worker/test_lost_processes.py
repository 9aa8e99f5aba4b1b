"""What is said of a process that is gone, and whose attempt it ends. Real processes die in `tests/faults`."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from billiard.common import human_status
from billiard.einfo import ExceptionInfo
from celery import current_app
from celery.exceptions import TimeLimitExceeded
from celery.exceptions import WorkerLostError as ProcessLost
from django.db import OperationalError, connection
from django_celery_results.models import TaskResult
from structlog.testing import capture_logs

from jobs import kinds
from jobs.classification import classify
from jobs.dispatch.release import EXECUTE_JOB
from jobs.errors import OutOfMemoryError, WorkerLostError
from jobs.kinds import Kind
from jobs.models import Attempt, Job, Queue
from jobs.postgres import sessions
from jobs.states import Outcome, State
from jobs.tasks import execute_job
from jobs.worker.heartbeat import STOPPED_BY_FORCE
from jobs.worker.job_requests import JobRequest
from jobs.worker.lost_processes import end_lost_attempts, end_of_process, with_last_memory
from jobs.worker.memory import out_of_memory_kills
from jobs.worker.transitions import claim_job
from tests.support.outages import locked, postgres_hung
from tests.support.servers import throw_away
from tests.support.threads import Threads


def ended(exit_code: int) -> ProcessLost:
    """As billiard says it."""
    return ProcessLost(f"Worker exited prematurely: {human_status(exit_code)} Job: 7.")


SIGKILL = "The worker process was killed by signal 9 (SIGKILL)."


@pytest.mark.parametrize(
    ("error", "kills", "code", "message"),
    [
        (ended(-9), None, "worker-lost", SIGKILL),
        (
            ended(-9), 0, "worker-lost",
            f"{SIGKILL}\nThe kernel's OOM killer did not act: something else sent the signal.",
        ),
        (
            ended(-9), 1, "out-of-memory",
            f"{SIGKILL}\nIt probably ran out of memory: the kernel killed a process for lack of memory.",
        ),
        (
            ended(-9), 2, "out-of-memory",
            f"{SIGKILL}\nIt probably ran out of memory: the kernel killed 2 processes for lack of memory.",
        ),
        (ended(-11), 0, "worker-lost", "The worker process was killed by signal 11 (SIGSEGV)."),
        (ended(-63), 0, "worker-lost", "The worker process was killed by signal 63."),
        (ended(3), 0, "worker-lost", "The worker process ended with exit code 3."),
        (
            ended(STOPPED_BY_FORCE), 0, "worker-lost",
            "Longhaul ended the worker process because the job did not stop when told to.",
        ),
        (ProcessLost("Worker exited prematurely: KeyboardInterrupt."), 0, "worker-lost",
         "The worker process ended unexpectedly."),
        (TimeLimitExceeded(7260), 0, "time-limit",
         "The job reached the hard time limit of 7260 seconds. Its process was killed."),
    ],
)  # fmt: skip
def test_the_end_of_a_process_in_words(error: Exception, kills: int | None, code: str, message: str) -> None:
    lost = end_of_process(error, kills=kills)
    assert str(lost) == message
    failure = classify(lost)
    assert (failure.code, failure.permanent) == (code, False)
    assert not any(word in failure.detail for word in ("signal", "SIG", "kernel", "exit code"))


def test_the_last_memory_goes_behind_the_first_line() -> None:
    """Failures are grouped by the first line."""
    error = end_of_process(ended(-9), kills=1)
    told = with_last_memory(error, Attempt(peak_memory_bytes=812_400_000))
    first, rest = str(told).split("\n")
    assert (first, rest.split(". ")[0]) == (SIGKILL, "It last used 812 MB of memory")
    assert "probably ran out of memory" in rest
    assert type(told) is type(error) is OutOfMemoryError
    assert str(with_last_memory(error, Attempt())) == str(error)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"proc/self/cgroup": "0::/\n", "cgroups/memory.events": "low 0\noom 5\noom_kill 4\noom_group_kill 0\n"}, 4),
        ({"proc/self/cgroup": "4:memory:/x\n0::/a/b\n", "cgroups/a/b/memory.events": "oom_kill 2\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "proc/vmstat": "nr_free_pages 9\noom_kill 3\n"}, 3),
        ({"proc/vmstat": "nr_free_pages 9\n"}, None),
        ({}, None),
    ],
)
def test_kills_for_lack_of_memory_are_those_of_the_container_or_of_the_machine(
    files: dict[str, str], expected: int | None, tmp_path: Path
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert out_of_memory_kills(proc=tmp_path / "proc", cgroups=tmp_path / "cgroups") == expected


def claimed(job: Job) -> Attempt:
    attempt = claim_job(job.pk, worker="csv@here", celery_task_id="t", lease_seconds=60)
    assert attempt is not None
    return attempt


def end(*, worker: str = "csv@here", process_id: int | None = None, task: str = "t") -> None:
    pid = os.getpid() if process_id is None else process_id
    end_lost_attempts(worker=worker, process_id=pid, celery_task_id=task, error=WorkerLostError("gone"))


@pytest.mark.django_db(transaction=True)
def test_only_the_attempt_of_that_process_ends(make_job: Callable[..., Job]) -> None:
    """A message may come twice: the process that died may only have looked at a job that another one runs."""
    Queue.objects.update(paused=True)
    job = make_job()
    attempt = claimed(job)
    end(worker="csv@there")
    end(process_id=1)
    end(task="u")
    job.refresh_from_db()
    assert job.state == State.RUNNING
    end()
    end()
    attempt.refresh_from_db()
    job.refresh_from_db()
    assert (job.state, attempt.outcome, attempt.error_message) == (State.FAILED, Outcome.LOST, "gone")
    assert list(job.events.values_list("name", flat=True)) == ["started", "rescued"]


def lose_process() -> tuple[bool, list[str]]:
    """What the parent of the pool does; whether it acknowledged the message, and what it logged."""
    headers = {"id": "t", "task": EXECUTE_JOB}
    message = SimpleNamespace(
        headers=headers, body="", payload=([], {}, {}), content_type="application/json", content_encoding="utf-8",
        delivery_info={}, properties={},
    )  # fmt: skip
    acknowledged: list[Any] = []
    request = JobRequest(
        message, app=current_app, task=execute_job, hostname="csv@here", on_ack=lambda *args: acknowledged.append(args)
    )
    request.on_accepted(os.getpid(), time.monotonic())
    with capture_logs() as logs:
        try:
            raise ended(-9)
        except ProcessLost:
            with suppress(OperationalError):  # the pool logs it: Celery's own result is not written
                request.on_failure(ExceptionInfo())
    return bool(acknowledged), [line["event"] for line in logs]


LEFT = (True, ["lost_attempt_left_to_its_lease"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (f"SELECT FROM {Job._meta.db_table} FOR UPDATE", LEFT),
        (f"LOCK TABLE {Attempt._meta.db_table}", LEFT),
        (f"LOCK TABLE {TaskResult._meta.db_table}", (True, ["process_lost"])),
        (f"SELECT FROM {Queue._meta.db_table} FOR UPDATE", (True, ["process_lost"])),
    ],
)
def test_the_parent_does_not_wait_for_locks(
    held: str, expected: Any, make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool would stand still meanwhile; the end of the lease is there for this, and Beat for the jobs behind."""
    monkeypatch.setattr(sessions, "SHORT_TIMEOUT_SECONDS", 0.2)
    claimed(make_job(calls_back=True))
    make_job(released_at=None)
    with locked(held), Threads(1) as threads:
        assert threads.submit(lose_process).result(20) == expected


@pytest.mark.django_db(transaction=True)
def test_the_parent_does_not_wait_for_a_server_that_hangs(
    make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SHORT_TIMEOUT_SECONDS", 0.2)
    claimed(make_job())
    with postgres_hung(), Threads(1) as threads:
        assert threads.submit(lose_process).result(20) == LEFT
    [attempt] = Attempt.objects.all()
    assert attempt.outcome == ""


@pytest.mark.django_db(transaction=True)
def test_the_parent_keeps_no_session_nor_uses_one_that_has_ended(make_job: Callable[..., Job]) -> None:
    """Its new children would inherit it; and it may have ended long before the next process is lost."""
    claimed(make_job())

    def look() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [pid] = cursor.fetchone()
        with psycopg.connect(throw_away.database_url("postgres"), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        return lose_process(), connection.connection

    with Threads(1) as threads:
        assert threads.submit(look).result(20) == ((True, ["process_lost"]), None)
    assert TaskResult.objects.get(task_id="t").status == "FAILURE"


@pytest.mark.django_db(transaction=True)
def test_the_message_is_acknowledged_whatever_goes_wrong(
    make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: Any = "no handler, no policy"
    monkeypatch.setattr(kinds, "_kinds", {"test": Kind("test", "reports", broken, broken)})
    claimed(make_job())
    assert lose_process() == LEFT
