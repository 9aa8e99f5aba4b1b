"""The OPTIONS of the backend in the setting TASKS."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from jobs.kinds import queues_of_jobs
from jobs.task_backend.framework import DEFAULT_TASK_QUEUE_NAME

#: The queue of tasks that name none.
QUEUE: Final = "tasks"


@dataclass(frozen=True)
class Options:
    """`queues` maps the framework's queue names to Longhaul's queues; a name that it lacks is a queue of Longhaul's.

    A job gets `max_attempts`, by default those of the kind. Arguments of a parameter that `sensitive` names are
    secrets, besides those whose names sound like secrets (`jobs.payloads.masking`).
    """

    queues: Mapping[str, str] = field(default_factory=lambda: {DEFAULT_TASK_QUEUE_NAME: QUEUE})
    max_attempts: int | None = None
    sensitive: Collection[str] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """The valid ones among the given options. `problems` names the others."""
        return cls(**{name: value for name, value in given.items() if name in _VALID and _VALID[name](value)})

    def queue_of(self, name: str) -> str:
        """The queue of Longhaul's in which tasks with this queue name wait."""
        return self.queues.get(name, name)


def problems(given: Mapping[str, Any], queue_names: Collection[str]) -> Iterator[str]:
    """What is wrong with these OPTIONS and these QUEUES, as sentences."""
    for name in sorted(given):
        if name not in _VALID:
            yield f"There is no option {name!r}; the options are: {', '.join(sorted(_VALID))}."
        elif not _VALID[name](given[name]):
            yield f"The value of the option {name!r} is not valid."
    options = Options.of(given)
    for queue in sorted({*options.queues.values(), *map(options.queue_of, queue_names)}):
        if queue == settings.CELERY_TASK_DEFAULT_QUEUE:
            yield f"The queue {queue!r} is for sweeps."
        elif queue not in queues_of_jobs():
            yield f"The queue {queue!r} is not one of {', '.join(queues_of_jobs())}. Add it to QUEUES."


def _is_mapping_of_names(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for pair in value.items() for name in pair)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset) and all(isinstance(name, str) for name in value)


_VALID: Final = {"queues": _is_mapping_of_names, "max_attempts": _is_count, "sensitive": _is_list_of_names}
