"""Undo a requeue: restore the previous state of the jobs that have not started since."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils.dateparse import parse_datetime

from jobs.events import record_events
from jobs.interventions.batches import BATCH_SIZE, intervene
from jobs.models import AuditEntry, Event, Job
from jobs.models.bulk import BulkItem, BulkRun
from jobs.states import State

#: Fields that a requeue changes and an undo restores.
UNDO_FIELDS: Final = (
    "state", "attempt_count", "retry_at", "cancel_requested_at", "finished_at", "result", "progress_done",
    "progress_percent", "calls_back", "mails",
)  # fmt: skip


def snapshot_jobs(job_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """The values, as JSON, of the fields that a requeue of these jobs will change. Times keep their microseconds."""
    rows = Job.objects.filter(pk__in=list(job_ids)).values("pk", *UNDO_FIELDS)
    return {row.pop("pk"): {name: _as_json(value) for name, value in row.items()} for row in rows}


def can_undo(run: BulkRun) -> bool:
    """Whether a job that the run requeued has not started since."""
    waiting = Job.objects.filter(pk=OuterRef("job_id"), state=State.QUEUED, fencing_token=OuterRef("fencing_token"))
    return run.items.filter(Exists(waiting), outcome=BulkItem.Outcome.CHANGED).exists()


def undo_batch(run: BulkRun, *, actor: str, after: UUID | None) -> UUID | None:
    """Restore the next jobs that have not started. Returns the last id that was checked; None if there is none left."""
    changed = run.items.filter(outcome=BulkItem.Outcome.CHANGED).order_by("job_id")
    items = {item.job_id: item for item in (changed.filter(job_id__gt=after) if after else changed)[:BATCH_SIZE]}
    if not items:
        return None

    def change(jobs: list[Job]) -> None:
        for job in jobs:
            for name, value in (items[job.pk].before or {}).items():
                setattr(job, name, _restored(name, value))
        Job.objects.bulk_update(jobs, UNDO_FIELDS)
        pks = [job.pk for job in jobs]
        Job.objects.filter(pk__in=pks).update(released_at=None, updated_at=Now())
        record_events(pks, Event.Name.REQUEUE_UNDONE, actor=actor, run=run.pk)

    with transaction.atomic():
        outcome = intervene(
            items,
            action=AuditEntry.Action.UNDO,
            actor=actor,
            reason=f"{run.reason} (bulk run {run.pk} undone)",
            allowed={State.QUEUED},
            change=change,
            seen={pk: item.fencing_token for pk, item in items.items()},
        )
        BulkItem.objects.filter(run=run, job_id__in=outcome.changed).update(outcome=BulkItem.Outcome.UNDONE)
    return max(items)


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _restored(name: str, value: Any) -> Any:
    return parse_datetime(value) if value is not None and name.endswith("_at") else value
