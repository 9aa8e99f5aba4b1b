"""Set the dials of a queue or of one type of jobs. Nothing is restarted.

Limits apply from the next release on. The rate, the pace and its targets, and a shorter statement timeout also apply
to running jobs: `jobs.pacing.governor` reads them every second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from jobs.dispatch.release import release_jobs
from jobs.errors import TransitionError
from jobs.interventions.audit import audit
from jobs.interventions.dead_letter import require_reason
from jobs.models import AuditEntry, Queue, TypeDials
from jobs.postgres.commit import after_commit

#: Dials that a type may set differently from its queue.
TYPE_DIALS: Final = (
    "paused", "accepting", "max_running", "max_queued",
    "rows_per_second", "pace", "statement_timeout_seconds", "database",
)  # fmt: skip


def set_dials(queue: str, *, actor: str, reason: str, seen: Mapping[str, Any] | None = None, **dials: Any) -> None:
    """Set dials by their names in `jobs_queue`. Unchanged values are not written and get no audit entry.

    `seen` holds the values that the person saw. Raises TransitionError if somebody has changed one of them since,
    ValueError without a reason, Queue.DoesNotExist.
    """
    require_reason(reason)
    with transaction.atomic():
        row = Queue.objects.select_for_update().get(name=queue)
        for name, value in (seen or {}).items():
            if getattr(row, name) != value:
                raise TransitionError(f"{name} has been changed to {getattr(row, name)} in the meantime")
        before = {name: getattr(row, name) for name, value in dials.items() if getattr(row, name) != value}
        if not before:
            return
        after = {name: dials[name] for name in before}
        Queue.objects.filter(name=queue).update(**after)
        audit(_action(after), [("queue", queue, before, after)], actor=actor, reason=reason)
        after_commit(release_jobs, queue)


def add_queue(queue: Queue, *, actor: str, reason: str) -> None:
    """Add a queue. Workers consume it once it is named in their `-Q`. Raises ValueError without a reason."""
    require_reason(reason)
    with transaction.atomic():
        queue.save(force_insert=True)
        audit(AuditEntry.Action.ADD, [("queue", queue.name, {}, {"name": queue.name})], actor=actor, reason=reason)


def set_type_dials(kind: str, type: str, *, actor: str, reason: str, **dials: Any) -> TypeDials:  # noqa: A002
    """Set dials of a type by their names in `jobs_typedials`; the others keep their values. ValueError: no reason."""
    require_reason(reason)
    with transaction.atomic():
        row, created = TypeDials.objects.select_for_update().get_or_create(kind=kind, type=type)
        before = {name: getattr(row, name) for name, value in dials.items() if getattr(row, name) != value}
        for name in before:
            setattr(row, name, dials[name])
        row.save(update_fields=list(before))
        if before or created:
            action = AuditEntry.Action.ADD if created else AuditEntry.Action.CHANGE
            after = {name: dials[name] for name in before}
            audit(action, [("dials of a type", row, {} if created else before, after)], actor=actor, reason=reason)
            after_commit(_release_all)
    return row


def delete_type_dials(kind: str, type: str, *, actor: str) -> None:  # noqa: A002
    """Delete the dials of a type: its class and its queue decide again. Raises TypeDials.DoesNotExist."""
    with transaction.atomic():
        row = TypeDials.objects.select_for_update().get(kind=kind, type=type)
        unset = TypeDials()
        before = {name: getattr(row, name) for name in TYPE_DIALS if getattr(row, name) != getattr(unset, name)}
        row.delete()
        audit(AuditEntry.Action.DELETE, [("dials of a type", row, before, {})], actor=actor, reason="")
        after_commit(_release_all)


def _release_all() -> None:
    for queue in Queue.objects.values_list("name", flat=True):
        release_jobs(queue)


def _action(after: dict[str, Any]) -> AuditEntry.Action:
    if set(after) == {"paused"}:
        return AuditEntry.Action.PAUSE if after["paused"] else AuditEntry.Action.RESUME
    return AuditEntry.Action.CHANGE
