"""The kind `task`: each job is one call of a function with `@task`, and each attempt is one try of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser

from jobs.context import JobContext
from jobs.errors import PermanentError
from jobs.inspection import Finding, Inspector, InvalidPayloadError
from jobs.kinds import Kind, QueueDials
from jobs.models import Job
from jobs.payloads.sealing import unseal
from jobs.states import Level
from jobs.task_backend.framework import TaskContext, TaskResultDoesNotExist, task_finished, task_started
from jobs.task_backend.functions import UnknownTaskError, known_task, known_tasks, signature_of, type_of_path
from jobs.task_backend.options import QUEUE
from jobs.task_backend.payload import MEMBERS, sealed, sealed_again, sensitive_names, storable
from jobs.task_backend.results import TASK, fetch_result, result_of, task_of, tries_of


class ArgumentsError(PermanentError):
    """The arguments do not fit the function, so it was not called."""


class ReturnValueError(PermanentError):
    """The function returned what cannot be stored. It has done its work, so it is not called again."""


def run_task(context: JobContext) -> dict[str, Any]:
    """The handler: call the function. The result is `{"returnValue": …}`.

    Raises what the function raises, or PermanentError (`unknown-task`, `task-arguments`, `return-value`,
    `secret-unreadable`).
    """
    job = context.job
    task = task_of(job)
    arguments = unseal({name: job.payload[name] for name in ("args", "kwargs")})
    result = result_of(job, tries_of(context.attempt))
    args, kwargs = arguments["args"], arguments["kwargs"]
    if task.takes_context:
        args = [TaskContext(task_result=result), *args]
    try:
        signature_of(task.func).bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentsError(f"The arguments do not fit the function: {error}.", code="task-arguments") from error
    task_started.send_robust(sender=type(task.get_backend()), task_result=result)
    value = task.call(*args, **kwargs)
    try:
        return {"returnValue": storable(value)}
    except (TypeError, ValueError, RecursionError) as error:
        raise ReturnValueError(f"What the function returned is not stored: {error}.", code="return-value") from error


def tell_end(job: Job) -> None:
    """Send `task_finished` if the job has ended. Not if the code no longer has its function."""
    try:
        result = fetch_result(str(job.pk))
    except TaskResultDoesNotExist:
        return
    if result.is_finished:
        task_finished.send_robust(sender=type(result.task.get_backend()), task_result=result)


class TaskInspector(Inspector):
    """The type is the path of the function, so operators can set dials for each task."""

    encrypts = True

    def type_of(self, payload: dict[str, Any]) -> str:
        """The path of the function, shortened if it is very long."""
        return type_of_path(str(payload.get("task", ""))) if isinstance(payload, dict) else ""

    def types(self) -> list[str]:
        """The tasks in the modules `tasks` of all apps. Others have a type, too, as soon as they are enqueued."""
        return [type_of_path(path) for path in known_tasks()]

    def sensitive_names(self, payload: dict[str, Any]) -> frozenset[str]:
        """The parameters that the backend's OPTIONS declare secret."""
        return frozenset(sensitive_names(str(payload.get("backend", ""))))

    def validate(self, payload: Any, owner: AbstractBaseUser | None) -> dict[str, Any]:
        """The payload with its secrets encrypted. Raises InvalidPayloadError unless the task exists and takes it."""
        checked = super().validate(payload, owner)
        _check_shape(checked)
        try:
            task = known_task(checked["task"])
        except UnknownTaskError as error:
            raise InvalidPayloadError([{"pointer": "/task", "detail": str(error)}]) from None
        args, kwargs = checked["args"], checked["kwargs"]
        try:
            storable([args, kwargs])
            bind = partial(signature_of(task.func).bind, *[None] * task.takes_context)
            bind(*args, **kwargs)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidPayloadError([{"pointer": "/args", "detail": f"They do not fit the task: {error}."}]) from None
        return {**checked, **sealed(task, args, kwargs, backend=checked["backend"])}

    def encrypted(self, payload: Any) -> dict[str, Any] | None:
        """The payload with newly encrypted secrets; None if their encryption is up to date."""
        return sealed_again(payload) if isinstance(payload, dict) and payload.keys() == MEMBERS else None

    def findings(self, job: Job) -> Iterator[Finding]:
        """Whether the function still exists and takes these arguments."""
        try:
            self.validate(unseal(job.payload), job.owner)
        except (InvalidPayloadError, PermanentError) as error:
            yield Finding(Level.WILL_FAIL, f"Its payload is no longer valid: {error}")
        else:
            yield Finding(Level.OK, "The task exists and takes these arguments.")


def _check_shape(payload: dict[str, Any]) -> None:
    if payload.keys() != MEMBERS:
        members = ", ".join(sorted(MEMBERS))
        raise InvalidPayloadError([{"pointer": "", "detail": f"The members must be: {members}."}])
    for name in sorted(MEMBERS):
        expected = {"args": list, "kwargs": dict}.get(name, str)
        if not isinstance(payload[name], expected):
            raise InvalidPayloadError([{"pointer": f"/{name}", "detail": "It has the wrong type."}])


#: The dial `max_running` is the concurrency of one worker for tasks. A backend's OPTIONS may set other `max_attempts`.
KIND: Final = Kind(
    name=TASK,
    queue=QUEUE,
    queue_dials=QueueDials(max_running=4),
    handler=run_task,
    inspector=TaskInspector(),
    after_attempt=tell_end,
)
