"""System checks: mistakes in report types that would otherwise show at the first order."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks

from reports.registry import registered_types


@checks.register(checks.Tags.compatibility)
def check_report_types(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """A type must name a queue that workers consume, and a database that is configured."""
    queues = {queue.name for queue in settings.CELERY_TASK_QUEUES}
    found: list[checks.CheckMessage] = []
    for known in registered_types():
        if known.queue not in queues:
            hint = f"Queues are: {', '.join(sorted(queues))}."
            found.append(
                checks.Error(f"No queue is named {known.queue!r}.", hint=hint, obj=type(known), id="reports.E001")
            )
        if known.database is not None and known.database not in settings.DATABASES:
            hint = f"Databases are: {', '.join(sorted(settings.DATABASES))}."
            found.append(
                checks.Error(f"No database is named {known.database!r}.", hint=hint, obj=type(known), id="reports.E002")
            )
    return found
