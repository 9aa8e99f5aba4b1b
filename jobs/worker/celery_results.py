"""Celery's result backend: django-celery-results, with worker names cut to the length of its column."""

from __future__ import annotations

from typing import Any

from django_celery_results.backends import DatabaseBackend
from django_celery_results.models import TaskResult

LONGEST_WORKER = TaskResult._meta.get_field("worker").max_length


class ResultBackend(DatabaseBackend):  # type: ignore[misc]  # it has no types
    """Shortens a long worker name, so that its result can be stored. The attempt keeps the full name."""

    def _get_extended_properties(self, request: Any, traceback: Any) -> dict[str, Any]:
        properties: dict[str, Any] = super()._get_extended_properties(request, traceback)
        if properties["worker"]:
            properties["worker"] = properties["worker"][:LONGEST_WORKER]
        return properties
