"""What the task framework asks of a backend.

Each test is a point of the framework's own tests: those of Django (tests/tasks), of django-tasks, and of its database
backend. `test_kind.py` and `test_results.py` hold the points about running a task.
"""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as loaded
from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks import (
    DEFAULT_TASK_QUEUE_NAME,
    TaskResultStatus,
    default_task_backend,
    task,
    task_backends,
)
from django_tasks.base import Task
from django_tasks.exceptions import (
    InvalidTaskBackendError,
    InvalidTaskError,
    TaskResultDoesNotExist,
    TaskResultMismatch,
)
from django_tasks.signals import task_enqueued
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.errors import AdmissionError
from jobs.kinds import queues_of_jobs
from jobs.models import Job, Queue, TypeDials
from jobs.postgres.commit import in_transaction
from jobs.task_backend.backend import LonghaulBackend
from jobs.worker.execution import AttemptEnd
from tests.support.apps.chores import tasks

pytestmark = pytest.mark.django_db
BOTH = pytest.mark.parametrize("chore", [tasks.do_nothing, tasks.do_nothing_async], ids=["function", "coroutine"])


@pytest.fixture
def enqueued() -> Iterator[list[tuple[Any, Any]]]:
    """What the signal `task_enqueued` has told: its sender and the result."""
    told: list[tuple[Any, Any]] = []

    def hear(sender: Any, task_result: Any, **kwargs: Any) -> None:
        told.append((sender, task_result))

    task_enqueued.connect(hear)
    yield told
    task_enqueued.disconnect(hear)


# The settings


def test_the_settings_name_this_backend() -> None:
    assert default_task_backend == task_backends["default"]
    assert isinstance(task_backends["default"], LonghaulBackend)
    assert default_task_backend.alias == "default"
    assert default_task_backend.options == {"queues": {"default": "tasks"}}
    assert default_task_backend.queues == {"default", "tasks"}


def test_it_supports_everything_that_a_backend_may() -> None:
    backend = default_task_backend
    assert (backend.supports_defer, backend.supports_async_task) == (True, True)
    assert (backend.supports_get_result, backend.supports_priority) == (True, True)


def test_a_right_configuration_passes_the_check() -> None:
    assert list(default_task_backend.check()) == []


@pytest.mark.parametrize(
    ("options", "names", "said"),
    [
        (
            {"attempts": 3}, None,
            "There is no option 'attempts'; the options are: max_attempts, queues, sensitive.",
        ),
        ({"max_attempts": 0}, None, "The value of the option 'max_attempts' is not valid."),
        ({"max_attempts": True}, None, "The value of the option 'max_attempts' is not valid."),
        ({"sensitive": "iban"}, None, "The value of the option 'sensitive' is not valid."),
        ({"queues": {"default": 7}}, None, "The value of the option 'queues' is not valid."),
        (
            {"queues": {"default": "chores"}}, None,
            "The queue 'chores' is not one of {queues}. Add it to QUEUES.",
        ),
        (
            {}, ["default", "housekeeping"],
            "The queue 'housekeeping' is for sweeps.",
        ),
    ],
)  # fmt: skip
def test_a_wrong_configuration_is_an_error(
    options: dict[str, Any], names: list[str] | None, said: str, configure: Callable[..., None]
) -> None:
    configure(names, **options)
    assert list(default_task_backend.check()) == [
        Error(f"TASKS['default']: {said.format(queues=', '.join(queues_of_jobs()))}", id="jobs.E010")
    ]


def test_without_backends_nothing_is_enqueued(settings: Settings) -> None:
    settings.TASKS = {}
    with pytest.raises(InvalidTaskBackendError):
        tasks.do_nothing.enqueue()


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(InvalidTaskBackendError, match="The connection 'unknown' doesn't exist"):
        tasks.do_nothing.using(backend="unknown")


# Enqueueing


@BOTH
def test_a_task_that_was_enqueued_is_ready(chore: Any, enqueued: list[Any]) -> None:
    before = timezone.now()
    result = chore.enqueue(1, two=3)
    assert uuid.UUID(result.id).version == 7
    assert (result.status, result.is_finished, result.attempts) == (TaskResultStatus.READY, False, 0)
    assert (result.started_at, result.last_attempted_at, result.finished_at) == (None, None, None)
    assert result.enqueued_at is not None
    assert abs(result.enqueued_at - before) < timedelta(minutes=1)
    assert (result.task, result.args, result.kwargs) == (chore, [1], {"two": 3})
    assert (result.backend, result.errors, result.worker_ids) == ("default", [], [])
    with pytest.raises(ValueError, match="Task has not finished yet"):
        _ = result.return_value
    assert enqueued == [(LonghaulBackend, result)]


@BOTH
@pytest.mark.django_db(transaction=True)
def test_a_task_is_enqueued_from_a_coroutine(chore: Any, enqueued: list[Any]) -> None:
    result = async_to_sync(chore.aenqueue)(1, two=3)
    assert (result.status, result.args, result.kwargs) == (TaskResultStatus.READY, [1], {"two": 3})
    assert enqueued == [(LonghaulBackend, result)]
    assert Job.objects.get().pk == uuid.UUID(result.id)


def test_enqueueing_is_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        tasks.do_nothing.enqueue(1, two=3)


def test_a_task_is_a_job_without_an_owner() -> None:
    result = tasks.do_nothing.using(priority=7).enqueue(1, two=[3])
    job = Job.objects.get(pk=result.id)
    assert (job.kind, job.type, job.queue) == ("task", "tests.support.apps.chores.tasks.do_nothing", "tasks")
    assert (job.owner, job.priority, job.max_attempts, job.state) == (None, 7, 5, "queued")
    assert job.payload == {
        "task": "tests.support.apps.chores.tasks.do_nothing", "args": [1], "kwargs": {"two": [3]},
        "queueName": "default", "backend": "default",
    }  # fmt: skip
    assert list(job.events.values_list("name", "actor")) == [("submitted", "")]


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), TypeError, "Unsupported type"),
        (object(), TypeError, "Unsupported type"),
        (b"\xff", ValueError, "Unsupported value"),
        (float("nan"), ValueError, "not JSON compliant"),
        ("a\x00b", ValueError, "NUL is not allowed in text"),
        ("\ud800", ValueError, "surrogates not allowed"),
        ("x" * 1024 * 1024, ValueError, "are more than the 1048576 that a task may have"),
    ],
    ids=["datetime", "object", "bytes", "nan", "nul", "surrogate", "large"],
)
def test_an_argument_that_cannot_be_stored_is_refused(value: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        tasks.do_nothing.enqueue(value)
    with pytest.raises(error, match=said):
        async_to_sync(tasks.do_nothing.aenqueue)(value=[value])
    assert Job.objects.count() == 0


def test_arguments_are_normalized() -> None:
    result = tasks.do_nothing.enqueue((1, 2), b"text", literally="\\u0000")
    assert (result.args, result.kwargs) == ([[1, 2], "text"], {"literally": "\\u0000"})
    assert default_task_backend.get_result(result.id) == result


def test_a_broken_receiver_of_the_signal_changes_nothing() -> None:
    def break_down(**kwargs: Any) -> None:
        raise RuntimeError("the receiver is broken")

    task_enqueued.connect(break_down)
    try:
        result = tasks.do_nothing.enqueue()
    finally:
        task_enqueued.disconnect(break_down)
    assert Job.objects.filter(pk=result.id).exists()


def test_the_log_names_the_task(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger="django_tasks"):
        result = tasks.do_nothing.enqueue()
    [line] = [record.getMessage() for record in caplog.records if record.name == "django_tasks"]
    assert line == f"Task id={result.id} path={tasks.do_nothing.module_path} enqueued backend=default"


# Transactions


def jobs_seen_from_outside() -> int:
    """How many jobs another connection sees."""
    from django.db import connection

    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        return len(other.execute("SELECT FROM jobs_job").fetchall())


@pytest.mark.django_db(transaction=True)
def test_a_task_exists_once_the_transaction_commits() -> None:
    with transaction.atomic():
        result = tasks.do_nothing.enqueue()
        assert result.enqueued_at is not None
        assert (Job.objects.count(), jobs_seen_from_outside()) == (1, 0)
    assert jobs_seen_from_outside() == 1


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_leaves_no_task() -> None:
    class RolledBackError(Exception):
        """Rolls the transaction back."""

    def fail() -> None:
        tasks.do_nothing.enqueue()
        raise RolledBackError

    with pytest.raises(RolledBackError):
        in_transaction(fail)
    assert Job.objects.count() == 0
    assert not Job.objects.filter(released_at__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_a_task_is_handed_out_after_the_commit_and_not_before(unheard: str, configure: Callable[..., None]) -> None:
    configure([])
    with transaction.atomic():
        result = tasks.do_nothing.using(queue_name=unheard).enqueue()
        assert Job.objects.get(pk=result.id).released_at is None
    assert Job.objects.get(pk=result.id).released_at is not None


# Queues, priorities, times


def test_the_default_queue_is_mapped_and_others_are_longhauls_own(configure: Callable[..., None]) -> None:
    configure(["default", "nightly", "operations"], queues={"default": "tasks", "nightly": "uploads"})
    assert list(default_task_backend.check()) == []
    for name in ("default", "nightly", "operations"):
        result = tasks.do_nothing.using(queue_name=name).enqueue()
        assert (result.task.queue_name, default_task_backend.get_result(result.id).task.queue_name) == (name, name)
    assert list(Job.objects.order_by("pk").values_list("queue", flat=True)) == ["tasks", "uploads", "operations"]


def test_a_queue_that_the_backend_does_not_name_is_refused() -> None:
    with pytest.raises(InvalidTaskError, match="Queue 'unknown_queue' is not valid for backend"):
        tasks.do_nothing.using(queue_name="unknown_queue")


def test_a_task_is_validated_when_it_is_enqueued(configure: Callable[..., None]) -> None:
    configure(["elsewhere"])
    elsewhere = tasks.do_nothing.using(queue_name="elsewhere")
    configure(["default"])
    with pytest.raises(InvalidTaskError, match="Queue 'elsewhere' is not valid for backend"):
        elsewhere.enqueue()
    with pytest.raises(InvalidTaskError, match="Queue 'elsewhere' is not valid for backend"):
        async_to_sync(elsewhere.aenqueue)()
    assert Job.objects.count() == 0


def test_a_queue_without_a_row_is_a_mistake_of_the_settings(configure: Callable[..., None]) -> None:
    configure([])
    with pytest.raises(ImproperlyConfigured, match="there is no queue named 'nowhere'"):
        tasks.do_nothing.using(queue_name="nowhere").enqueue()


def test_using_makes_another_task() -> None:
    chore, now = tasks.do_nothing, timezone.now()
    assert (chore.priority, chore.queue_name, chore.run_after) == (0, DEFAULT_TASK_QUEUE_NAME, None)
    other = chore.using(priority=10).using(run_after=now).using(queue_name="tasks")
    assert (other.priority, other.queue_name, other.run_after) == (10, "tasks", now)
    assert chore.using() == chore
    assert chore.using() is not chore
    assert (chore.priority, chore.queue_name, chore.run_after) == (0, DEFAULT_TASK_QUEUE_NAME, None)


@pytest.mark.parametrize("priority", [-101, 101, 3.1])
def test_a_priority_out_of_range_is_refused(priority: Any) -> None:
    with pytest.raises(InvalidTaskError, match="priority must be a whole number between -100 and 100"):
        tasks.do_nothing.using(priority=priority)


@pytest.mark.parametrize("priority", [-100, 0, 100])
def test_a_priority_is_that_of_the_job(priority: int) -> None:
    result = tasks.do_nothing.using(priority=priority).enqueue()
    assert Job.objects.get(pk=result.id).priority == priority
    assert default_task_backend.get_result(result.id).task.priority == priority


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidTaskError, match="run_after must be an aware datetime"):
        tasks.do_nothing.using(run_after=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_task_for_later_waits() -> None:
    later = timezone.now() + timedelta(hours=10)
    result = tasks.do_nothing.using(run_after=later).enqueue()
    job = Job.objects.get(pk=result.id)
    assert (job.scheduled_at, job.due, job.released_at) == (later, False, None)
    assert default_task_backend.get_result(result.id).task.run_after == later


# Limits


def test_a_full_queue_refuses_a_task(configure: Callable[..., None]) -> None:
    Queue.objects.filter(name="tasks").update(max_queued=1)
    tasks.do_nothing.enqueue()
    with pytest.raises(AdmissionError, match="The queue tasks is full"):
        tasks.do_nothing.enqueue()
    Queue.objects.filter(name="tasks").update(max_queued=None, accepting=False)
    with pytest.raises(AdmissionError, match="The queue tasks is closed"):
        tasks.do_nothing.enqueue()
    assert Job.objects.count() == 1


def test_the_dials_of_a_task_are_those_of_its_path() -> None:
    TypeDials.objects.create(kind="task", type=tasks.answer.module_path, accepting=False)
    with pytest.raises(AdmissionError, match=r"New orders of tests\.support\.apps\.chores\.tasks\.answer are not"):
        tasks.answer.enqueue()
    tasks.do_nothing.enqueue()


def test_the_attempts_are_an_option(configure: Callable[..., None]) -> None:
    configure(max_attempts=2)
    assert Job.objects.get(pk=tasks.do_nothing.enqueue().id).max_attempts == 2


# Functions


def test_a_decorated_function_is_a_task() -> None:
    assert [type(each) for each in (tasks.do_nothing, tasks.do_nothing_async, tasks.do_nothing_bare)] == [Task] * 3
    assert (tasks.do_nothing.name, tasks.do_nothing_async.name) == ("do_nothing", "do_nothing_async")
    assert import_string(tasks.do_nothing.module_path) is tasks.do_nothing
    assert isinstance(tasks.do_nothing.get_backend(), LonghaulBackend)


def test_a_task_can_be_called_in_place() -> None:
    assert (tasks.answer.call(), async_to_sync(tasks.answer.acall)()) == (42, 42)
    coroutine: Any = tasks.do_nothing_async
    assert (coroutine.call(), async_to_sync(coroutine.acall)()) == (None, None)


def test_only_functions_of_a_module_are_tasks() -> None:
    def nested() -> None:
        return None

    for function in (any, nested):
        with pytest.raises(InvalidTaskError, match="Task function must be defined at a module level"):
            task()(function)


def test_a_context_must_be_the_first_parameter() -> None:
    with pytest.raises(InvalidTaskError, match="Task takes context but does not have a first argument of 'context'"):
        task(takes_context=True)(tasks.answer.func)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "path"),
    [(tasks.no_task, "no_task"), (tasks.Holder.method, "Holder.method")],
)
def test_a_task_that_no_worker_would_find_is_refused(function: Any, path: str) -> None:
    with pytest.raises(InvalidTaskError, match=rf"A worker would not find the task as tests\.\S+\.{path}: assign it"):
        task()(function).enqueue()
    assert Job.objects.count() == 0


# Results


def test_a_result_is_read_by_its_id(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    result = default_task_backend.enqueue(tasks.do_nothing, [1], {"two": 3})
    with django_assert_num_queries(1):
        assert default_task_backend.get_result(result.id) == result
    assert tasks.do_nothing.get_result(result.id) == result


@pytest.mark.django_db(transaction=True)
def test_a_result_is_read_from_a_coroutine() -> None:
    result = tasks.do_nothing.enqueue()
    assert async_to_sync(default_task_backend.aget_result)(result.id) == result
    assert async_to_sync(tasks.do_nothing.aget_result)(result.id) == result


@pytest.mark.parametrize("result_id", ["6f4b2c3e-0d5a-4b8e-9f0a-1c2d3e4f5a6b", "123", "", None])
def test_an_unknown_result_does_not_exist(result_id: Any) -> None:
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(result_id)
    with pytest.raises(TaskResultDoesNotExist):
        async_to_sync(default_task_backend.aget_result)(result_id)


def test_a_job_of_another_kind_is_no_result(make_job: Callable[..., Job]) -> None:
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(str(make_job().pk))


def test_the_result_of_another_task_does_not_match() -> None:
    result = tasks.do_nothing_async.enqueue()
    with pytest.raises(TaskResultMismatch, match="Task does not match"):
        tasks.do_nothing.get_result(result.id)
    with pytest.raises(TaskResultMismatch, match="Task does not match"):
        async_to_sync(tasks.do_nothing.aget_result)(result.id)


@pytest.mark.parametrize("how", ["refresh", "arefresh"])
def test_a_result_is_refreshed(how: str, run: Callable[..., AttemptEnd | None]) -> None:
    result = tasks.answer.enqueue()
    run(result, worker="tasks@here")
    assert (result.status, result.started_at, result.attempts) == (TaskResultStatus.READY, None, 0)
    result.refresh() if how == "refresh" else async_to_sync(result.arefresh)()
    assert (result.status, result.is_finished, result.return_value) == (TaskResultStatus.SUCCESSFUL, True, 42)
    assert (result.attempts, result.worker_ids, result.errors) == (1, ["tasks@here"], [])
    assert None not in (result.started_at, result.last_attempted_at, result.finished_at)


def test_the_alias_of_another_backend_is_kept(settings: Settings) -> None:
    settings.TASKS = {
        **loaded.TASKS,
        "once": {"BACKEND": loaded.TASKS["default"]["BACKEND"], "OPTIONS": {"max_attempts": 1}},
    }
    result = tasks.do_nothing.using(backend="once").enqueue()
    assert (result.backend, task_backends["once"].get_result(result.id).task.backend) == ("once", "once")
    assert Job.objects.get(pk=result.id).max_attempts == 1
