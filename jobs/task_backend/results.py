"""What the task framework tells about a job: a `TaskResult`, read from the job and its attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from jobs.models import Attempt, Job
from jobs.payloads.masking import MASK
from jobs.payloads.sealing import unseal
from jobs.states import Outcome, State
from jobs.task_backend.framework import (
    TASK_MAX_PRIORITY,
    TASK_MIN_PRIORITY,
    InvalidTaskBackendError,
    InvalidTaskError,
    Task,
    TaskError,
    TaskResult,
    TaskResultDoesNotExist,
    TaskResultStatus,
)
from jobs.task_backend.functions import UnknownTaskError, find_task

#: The name of the kind.
TASK: Final = "task"
#: A task that waits for its retry is ready, as one that was just enqueued is.
STATUSES: Final = {
    State.QUEUED: TaskResultStatus.READY,
    State.FAILED: TaskResultStatus.READY,
    State.RUNNING: TaskResultStatus.RUNNING,
    State.SUCCEEDED: TaskResultStatus.SUCCESSFUL,
    State.DEAD: TaskResultStatus.FAILED,
    State.CANCELLED: TaskResultStatus.FAILED,
}
#: Classes that say how a failure is treated, and the class that the framework names for it.
NAMED_BY_THE_FRAMEWORK: Final = {
    "jobs.task_backend.kind.ArgumentsError": "builtins.TypeError",
    "jobs.task_backend.kind.ReturnValueError": "builtins.TypeError",
}
CANCELED: Final = "jobs.errors.CancelRequestedError"


@dataclass(frozen=True)
class Try:
    """One attempt that counts: handed back ones do not."""

    worker: str
    started_at: datetime
    error_class: str = ""
    traceback: str = ""

    @classmethod
    def of(cls, attempt: Attempt) -> Try:
        """From the row of an attempt."""
        return cls(attempt.worker, attempt.started_at, attempt.error_class, attempt.traceback)


def fetch_result(result_id: str) -> TaskResult[Any]:
    """The result with this id. One query, so that job and attempts agree.

    Raises TaskResultDoesNotExist if there is no such task, or the code no longer has its function.
    """
    try:
        pk = UUID(result_id)
    except (ValueError, AttributeError, TypeError):
        raise TaskResultDoesNotExist(result_id) from None
    counted = Attempt.objects.filter(job=OuterRef("pk")).exclude(outcome=Outcome.HANDED_BACK).order_by("number")
    columns = JSONObject(**{name: name for name in ("worker", "started_at", "error_class", "traceback")})
    job = Job.objects.filter(kind=TASK, pk=pk).annotate(rows=ArraySubquery(counted.values(row=columns))).first()
    if job is None:
        raise TaskResultDoesNotExist(result_id)
    rows: list[dict[str, Any]] = job.__dict__["rows"]
    tries = [Try(**{**row, "started_at": datetime.fromisoformat(row["started_at"])}) for row in rows]
    try:
        return result_of(job, tries)
    except UnknownTaskError as error:
        raise TaskResultDoesNotExist(f"{result_id}: {error}") from None


def tries_of(attempt: Attempt) -> list[Try]:
    """The tries of the job of this running attempt, up to this one. No query if it is the first."""
    if attempt.number == 1:
        return [Try.of(attempt)]
    counted = Attempt.objects.filter(job=attempt.job_id, number__lte=attempt.number)
    return [Try.of(each) for each in counted.exclude(outcome=Outcome.HANDED_BACK).order_by("number")]


def result_of(job: Job, tries: Sequence[Try]) -> TaskResult[Any]:
    """The result of a job whose attempts are `tries`. Raises UnknownTaskError.

    A secret that cannot be decrypted any more is `***`.
    """
    payload = job.payload
    arguments = unseal({name: payload[name] for name in ("args", "kwargs")}, otherwise=lambda _: MASK)
    result: TaskResult[Any] = TaskResult(
        task=task_of(job),
        id=str(job.pk),
        status=STATUSES[State(job.state)],
        enqueued_at=job.created_at,
        started_at=tries[0].started_at if tries else None,
        finished_at=job.finished_at,
        last_attempted_at=tries[-1].started_at if tries else None,
        args=arguments["args"],
        kwargs=arguments["kwargs"],
        backend=payload["backend"],
        errors=_errors(job, tries),
        worker_ids=[each.worker for each in tries],
    )
    if job.state == State.SUCCEEDED and job.result is not None:
        object.__setattr__(result, "_return_value", job.result["returnValue"])  # as the framework's own backends do
    return result


def task_of(job: Job) -> Task[..., Any]:
    """The task as it was enqueued. Raises UnknownTaskError.

    Where the settings no longer allow its queue or its backend, it is the task as the code declares it.
    """
    task = find_task(job.payload["task"])
    try:
        return task.using(
            priority=max(TASK_MIN_PRIORITY, min(TASK_MAX_PRIORITY, job.priority)),
            queue_name=job.payload["queueName"],
            run_after=job.scheduled_at,
            backend=job.payload["backend"],
        )
    except (InvalidTaskError, InvalidTaskBackendError):
        return task


def _errors(job: Job, tries: Sequence[Try]) -> list[TaskError]:
    errors = [
        TaskError(exception_class_path=_class_path(each.error_class), traceback=each.traceback)
        for each in tries
        if each.error_class
    ]
    if job.state == State.CANCELLED:
        errors.append(TaskError(exception_class_path=CANCELED, traceback=""))
    return errors


def _class_path(stored: str) -> str:
    """The dotted path of an exception's class. `jobs.worker.failures` stores the name of a built-in one alone."""
    path = stored if "." in stored else f"builtins.{stored}"
    return NAMED_BY_THE_FRAMEWORK.get(path, path)
