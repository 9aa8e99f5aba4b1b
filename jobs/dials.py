"""Turn the dials of a queue. It counts from the next release on; nothing is restarted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction

from jobs.audit import AuditEntry, audit
from jobs.dead_letter import require_reason
from jobs.errors import TransitionError
from jobs.models import Queue
from jobs.release import release_jobs


def set_dials(queue: str, *, actor: str, reason: str, seen: Mapping[str, Any] | None = None, **dials: Any) -> None:
    """Set dials by their names in `jobs_queue`. What is as it was already is no change, and no entry in the trail.

    `seen` are the values that the person saw before. Raises TransitionError where somebody has changed one of them
    since, ValueError without a reason, Queue.DoesNotExist.
    """
    require_reason(reason)
    with transaction.atomic():
        row = Queue.objects.select_for_update().get(name=queue)
        for name, value in (seen or {}).items():
            if getattr(row, name) != value:
                raise TransitionError(f"{name} is {getattr(row, name)} by now")
        before = {name: getattr(row, name) for name, value in dials.items() if getattr(row, name) != value}
        if not before:
            return
        after = {name: dials[name] for name in before}
        Queue.objects.filter(name=queue).update(**after)
        audit(_action(after), [("queue", queue, before, after)], actor=actor, reason=reason)
        transaction.on_commit(partial(release_jobs, queue), robust=True)


def add_queue(queue: Queue, *, actor: str, reason: str) -> None:
    """Add a queue. Workers consume it once they are told to (`-Q`). Raises ValueError without a reason."""
    require_reason(reason)
    with transaction.atomic():
        queue.save(force_insert=True)
        audit(AuditEntry.Action.ADD, [("queue", queue.name, {}, {"name": queue.name})], actor=actor, reason=reason)


def _action(after: dict[str, Any]) -> AuditEntry.Action:
    if set(after) == {"paused"}:
        return AuditEntry.Action.PAUSE if after["paused"] else AuditEntry.Action.RESUME
    return AuditEntry.Action.CHANGE
