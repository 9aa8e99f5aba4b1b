"""Tasks that are handed out to this process instead of to workers."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models.functions import Now
from django_tasks import TaskResult, default_task_backend
from pytest_django import Settings

from jobs.models import Job
from jobs.worker.execution import AttemptEnd, execute_job

BACKEND = "jobs.task_backend.backend.LonghaulBackend"


@pytest.fixture(autouse=True)
def quiet(nothing_is_published: None) -> None:
    """No worker of another test takes a task."""


@pytest.fixture
def configure(settings: Settings) -> Callable[..., None]:
    """Set the QUEUES and the OPTIONS of the default backend."""

    def set_options(names: list[str] | None = None, **options: Any) -> None:
        given: dict[str, Any] = {"BACKEND": BACKEND, "OPTIONS": options}
        settings.TASKS = {"default": given if names is None else {**given, "QUEUES": names}}

    return set_options


@pytest.fixture
def once(configure: Callable[..., None]) -> None:
    """A task that fails is not retried, as the framework's own backends do it."""
    configure(max_attempts=1)


@pytest.fixture
def run() -> Callable[..., AttemptEnd | None]:
    """Run one attempt of a task, even if it waits for its retry."""

    def attempt(result: TaskResult[Any], *, worker: str = "test") -> AttemptEnd | None:
        Job.objects.filter(pk=result.id, state__in=("queued", "failed")).update(state="queued", released_at=Now())
        return execute_job(Job.objects.get(pk=result.id).pk, worker=worker)

    return attempt


@pytest.fixture
def refreshed(run: Callable[..., AttemptEnd | None]) -> Callable[[TaskResult[Any]], TaskResult[Any]]:
    """Run one attempt of a task; returns its result as anybody reads it then."""

    def attempt(result: TaskResult[Any]) -> TaskResult[Any]:
        run(result)
        return default_task_backend.get_result(result.id)

    return attempt
