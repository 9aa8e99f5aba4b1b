"""The functions that are tasks, by their dotted paths. Nothing else can be run by its path."""

from __future__ import annotations

import inspect
import sys
from functools import cache
from hashlib import sha256
from importlib import import_module
from typing import Any, Final

import structlog
from django.apps import apps
from django.utils.module_loading import module_has_submodule

from jobs.errors import PermanentError
from jobs.task_backend.framework import Task

logger = structlog.get_logger(__name__)

#: The length of the column `jobs_job.type`. Characters.
LONGEST_TYPE: Final = 100


class UnknownTaskError(PermanentError):
    """A path that leads to no function with `@task`."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"There is no task {path!r}: no function of this name has the decorator @task.", code="unknown-task"
        )


def find_task(path: str) -> Task[..., Any]:
    """The task with this path, `module.function`. Its module is imported. Raises UnknownTaskError.

    An error within the module itself, such as an ImportError of another module, is raised as it is.
    """
    module_name, _, name = path.rpartition(".")
    try:
        module = import_module(module_name)
    except (ModuleNotFoundError, ValueError, TypeError) as error:
        if isinstance(error, ModuleNotFoundError) and not _leads_to(error.name, module_name):
            raise
        raise UnknownTaskError(path) from None
    return _task_in(module, name, path)


def known_task(path: str) -> Task[..., Any]:
    """The same, but without importing a module because somebody has typed its name. Raises UnknownTaskError."""
    module_name, _, name = path.rpartition(".")
    known_tasks()
    if module_name not in sys.modules:
        raise UnknownTaskError(path)
    return _task_in(sys.modules[module_name], name, path)


def known_tasks() -> dict[str, Task[..., Any]]:
    """The tasks in the module `tasks` of each installed app, by their paths, in order."""
    found: dict[str, Task[..., Any]] = {}
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, Task):
                found[value.module_path] = value
    return dict(sorted(found.items()))


def type_of_path(path: str) -> str:
    """The type of a task's jobs: its path, shortened in a way that keeps it unique if it is too long for the column."""
    if len(path) <= LONGEST_TYPE:
        return path
    return f"{path[: LONGEST_TYPE - 13]}~{sha256(path.encode()).hexdigest()[:12]}"


@cache
def signature_of(func: Any) -> inspect.Signature:
    """The parameters of a task's function."""
    return inspect.signature(func)


@cache
def _modules() -> tuple[Any, ...]:
    """The modules `tasks` of all apps that can be imported. A broken one concerns only its own app's tasks."""
    modules = []
    for app in apps.get_app_configs():
        if app.module is None or not module_has_submodule(app.module, "tasks"):
            continue
        try:
            modules.append(import_module(f"{app.name}.tasks"))
        except Exception as error:  # an app's code
            logger.warning("tasks_not_imported", app=app.name, error=repr(error))
    return tuple(modules)


def _task_in(module: Any, name: str, path: str) -> Task[..., Any]:
    found = vars(module).get(name)
    if not isinstance(found, Task) or found.module_path != path:
        raise UnknownTaskError(path)
    return found


def _leads_to(missing: str | None, module_name: str) -> bool:
    """Whether the missing module is the one that was asked for, or a package around it."""
    return missing is not None and (module_name == missing or module_name.startswith(f"{missing}."))
