"""`LonghaulBackend`, for the setting TASKS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core import checks

from jobs.dispatch.submission import submit_job
from jobs.task_backend.framework import BaseTaskBackend, InvalidTaskError, Task, TaskResult, task_enqueued
from jobs.task_backend.functions import UnknownTaskError, find_task
from jobs.task_backend.options import Options, problems
from jobs.task_backend.payload import payload_of
from jobs.task_backend.results import TASK, fetch_result, result_of


class LonghaulBackend(BaseTaskBackend):
    """Tasks are jobs: accepted with the caller's transaction, run at least once, retried, and kept if they fail.

    A task has no owner, so only the admin shows it. `jobs.task_backend.options` has the OPTIONS.
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.longhaul_options = Options.of(self.options)

    def enqueue(self, task: Task[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> TaskResult[Any]:
        """Submit the job, by one INSERT. It is kept once the caller's transaction commits, and released then.

        Raises InvalidTaskError, TypeError or ValueError (an argument cannot be stored), AdmissionError (the queue is
        full or closed) or ImproperlyConfigured (there is no such queue). Then there is no job.
        """
        self.validate_task(task)
        _check_path(task)
        options = self.longhaul_options
        job = submit_job(
            kind=TASK,
            owner=None,
            payload=payload_of(task, args, kwargs, backend=self.alias),
            queue=options.queue_of(task.queue_name),
            priority=int(task.priority),
            scheduled_at=task.run_after,
            max_attempts=options.max_attempts,
        )
        result = result_of(job, [])
        task_enqueued.send_robust(sender=type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> TaskResult[Any]:
        """The result with this id. Raises TaskResultDoesNotExist."""
        return fetch_result(result_id)

    def check(self, **kwargs: Any) -> Iterable[checks.CheckMessage]:
        """What is wrong with the backend's QUEUES and OPTIONS."""
        for problem in problems(self.options, self.queues):
            yield checks.Error(f"TASKS[{self.alias!r}]: {problem}", id="jobs.E010")


def _check_path(task: Task[..., Any]) -> None:
    """Raises InvalidTaskError if a worker would not find the function by its path."""
    path = task.module_path
    try:
        found = find_task(path)
    except UnknownTaskError:
        found = None
    if found is None or found.func is not task.func or path.startswith("__main__."):
        raise InvalidTaskError(f"A worker would not find the task as {path}: assign it to that name in a module.")
