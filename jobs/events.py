"""The timeline of a job: append-only, each line written in the transaction that it describes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from jobs.models import Event


def record_event(job_id: UUID, name: Event.Name, *, actor: str = "", **details: Any) -> None:
    """Add a line. `actor` is the name of the user; empty if Longhaul acted on its own, or a visitor did."""
    Event.objects.create(job_id=job_id, name=name, actor=actor, details=details)


def record_events(job_ids: Iterable[UUID], name: Event.Name, *, actor: str = "", **details: Any) -> None:
    """Add the same line for each of these jobs."""
    Event.objects.bulk_create(Event(job_id=job_id, name=name, actor=actor, details=details) for job_id in job_ids)
