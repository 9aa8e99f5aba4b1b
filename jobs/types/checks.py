"""System checks for mistakes in types that would otherwise only fail at the first order."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core import checks

from jobs.types.registry import TypeRegistry, registries


@checks.register(checks.Tags.compatibility)
def check_types(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """A type must name a configured queue and database. Message ids start with the app of the kind: `reports.E001`."""
    return [message for registry in registries() for message in _mistakes(registry)]


def _mistakes(registry: TypeRegistry[Any]) -> Iterator[checks.CheckMessage]:
    app = registry.base.__module__.partition(".")[0]
    queues = sorted(queue.name for queue in settings.CELERY_TASK_QUEUES)
    databases = sorted(settings.DATABASES)
    for known in registry.all():
        if (queue := registry.queue_of(known)) not in queues:
            hint = f"Queues are: {', '.join(queues)}."
            yield checks.Error(f"No queue is named {queue!r}.", hint=hint, obj=type(known), id=f"{app}.E001")
        if known.database is not None and known.database not in databases:
            text, hint = f"No database is named {known.database!r}.", f"Databases are: {', '.join(databases)}."
            yield checks.Error(text, hint=hint, obj=type(known), id=f"{app}.E002")
