"""The faults of django-celery-beat's rows: forms refuse such rows, and Beat skips them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final

from celery import current_app
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from kombu.utils.json import loads

from jobs.payloads.redaction import in_one_line

#: The fields of a periodic task that name its schedule.
KINDS_OF_SCHEDULE: Final = ("interval", "crontab", "solar", "clocked")
#: A shorter interval would keep Beat busy with this task alone.
SHORTEST_INTERVAL: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class ReadSchedule:
    """An enabled periodic task. `task` is None if its row cannot be read. `fault` is why Beat skips it, or empty."""

    pk: int
    name: str
    task: PeriodicTask | None
    fault: str


def enabled_schedules() -> list[ReadSchedule]:
    """All enabled periodic tasks, in one query; if a row cannot be read, in one query for each.

    Raises OperationalError or InterfaceError if the database does not answer.
    """
    enabled = PeriodicTask.objects.filter(enabled=True).order_by("pk")
    rows = enabled.select_related(*KINDS_OF_SCHEDULE)
    try:
        return [_read(task) for task in rows]
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # such as a time beyond the year 9999, which no datetime can hold
        return [_read_alone(pk, name) for pk, name in enabled.values_list("pk", "name")]


def _read_alone(pk: int, name: str) -> ReadSchedule:
    try:
        return _read(PeriodicTask.objects.select_related(*KINDS_OF_SCHEDULE).get(pk=pk))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # of the driver, of Django, or of a field of another app
        return ReadSchedule(pk, name, None, f"Its row cannot be read: {in_one_line(error)}")


def _read(task: PeriodicTask) -> ReadSchedule:
    fault = "; ".join(f"{field}: {text}" for field, text in faults_of(task).items())
    return ReadSchedule(task.pk, task.name, task, fault)


def faults_of(task: PeriodicTask) -> dict[str, str]:
    """Field → the fault of its value, as a sentence. Empty if Beat can send the task and a worker can run it."""
    faults: dict[str, str] = {}
    for field, fault in _faults(task):
        faults.setdefault(field, fault)
    return faults


def _faults(task: PeriodicTask) -> Iterator[tuple[str, str]]:
    yield from _faults_of_schedule(task)
    yield from _faults_of_call(task)
    yield from _faults_of_headers(task)
    yield from _faults_of_route(task)
    if task.expires and task.expire_seconds is not None:
        yield "expire_seconds", "Set either this or the expiry time, not both."


def _faults_of_schedule(task: PeriodicTask) -> Iterator[tuple[str, str]]:
    chosen = [name for name in KINDS_OF_SCHEDULE if getattr(task, f"{name}_id") is not None]
    if len(chosen) != 1:
        yield "interval", "Set exactly one of interval, crontab, solar event and clocked time."
        return
    [name] = chosen
    if name == "clocked" and not task.one_off:
        yield "one_off", "A clocked task runs only once, so turn this on."
    if fault := fault_of_schedule(getattr(task, name)):
        yield name, fault


def fault_of_schedule(row: Any) -> str:
    """The fault of an interval, a crontab, a solar event or a clocked time; empty if it has no fault."""
    try:
        schedule = row.schedule
        schedule.is_due(timezone.now())
    except Exception as error:  # of Celery's parser, ImproperlyConfigured, OverflowError, or any other
        return f"The next run cannot be calculated: {in_one_line(error) or type(error).__name__}"
    if isinstance(row, IntervalSchedule) and schedule.run_every < SHORTEST_INTERVAL:
        return "An interval must be one second or longer."
    return ""


def _faults_of_call(task: PeriodicTask) -> Iterator[tuple[str, str]]:
    """The task must be registered and accept these arguments."""
    args, fault = _json(task.args, list, 'a JSON list, such as ["a", 1]')
    if fault:
        yield "args", fault
    kwargs, fault_of_kwargs = _json(task.kwargs, dict, 'a JSON object, such as {"a": 1}')
    if fault_of_kwargs:
        yield "kwargs", fault_of_kwargs
    if not task.task:
        yield "task", "Choose a task."
        return
    _load_tasks()
    registered: Any = current_app.tasks.get(task.task)
    if registered is None:
        yield "task", f"No installed app registers a task named {task.task!r}."
    elif not fault and not fault_of_kwargs and registered.typing:
        try:
            registered.__header__(*args, **kwargs)
        except TypeError as error:
            yield "kwargs" if kwargs else "args", f"The task does not accept these arguments: {in_one_line(error)}"


def _faults_of_headers(task: PeriodicTask) -> Iterator[tuple[str, str]]:
    headers, fault = _json(task.headers, dict, 'a JSON object, such as {"a": 1}')
    if fault:
        yield "headers", fault
    elif taken := sorted(_headers_of_celery() & headers.keys()):
        yield "headers", f"Celery sets these headers itself: {', '.join(taken)}."


def _faults_of_route(task: PeriodicTask) -> Iterator[tuple[str, str]]:
    if task.queue and task.queue not in settings.QUEUE_NAMES:
        yield "queue", f"No queue is named {task.queue!r}. The queues are: {', '.join(settings.QUEUE_NAMES)}."
    if task.exchange:
        yield "exchange", "Leave this empty: messages are routed by the name of their queue."
    if task.routing_key and task.routing_key != task.queue:
        yield "routing_key", "Leave this empty: messages are routed by the name of their queue."
    if task.priority is not None and not 0 <= task.priority <= 255:
        yield "priority", "A priority is a number from 0 to 255."


def _json(text: str | None, kind: type, words: str) -> tuple[Any, str]:
    """The value of a JSON text, and its fault. An empty text is an empty value."""
    try:
        value = loads(text or json.dumps(kind()))
    except Exception as error:  # ValueError, RecursionError, or an error of a type that kombu adds to JSON
        return kind(), f"This is not valid JSON: {in_one_line(error) or type(error).__name__}"
    return (value, "") if isinstance(value, kind) else (kind(), f"This must be {words}.")


@cache
def _load_tasks() -> None:
    """Import the tasks of all apps, which a web server has not done yet."""
    current_app.loader.import_default_modules()


@cache
def _headers_of_celery() -> frozenset[str]:
    """The headers that tell a worker what to do; a periodic task must not replace them."""
    message = current_app.amqp.as_task_v2("id", "name")
    return frozenset(message.headers) | {"compression"}


def accept_unknown_time_zones() -> None:
    """Read an unknown time zone of a crontab as text, which then is a fault of the schedule.

    django-timezone-field raises an error instead, so that all pages and queries that read the row fail.
    """
    field: Any = CrontabSchedule._meta.get_field("timezone")
    strict = field.to_python

    def to_python(value: Any) -> Any:
        try:
            return strict(value)
        except ValidationError:
            return value

    field.to_python = to_python  # for values that are set; forms accept only known zones
    field.from_db_value = lambda value, *args: to_python(value)
