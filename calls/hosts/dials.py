"""What staff do to hosts: set limits, close and open. Each change has an audit entry, and counts from the next turn on.

Nothing is restarted: the limits are read in the statement that takes a turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.db.models.functions import Now

from calls.models import Host
from jobs.interventions.audit import audit
from jobs.interventions.batches import Intervention
from jobs.interventions.dead_letter import require_reason
from jobs.models import AuditEntry
from jobs.postgres.commit import in_transaction

LIMITS: Final = ("in_flight", "per_second")
#: The values of a host that is open and healthy.
OPEN: Final[dict[str, Any]] = {
    "closed_until": None,
    "closed_reason": "",
    "failures": 0,
    "openings": 0,
    "open_until": None,
    "probing": False,
    "resume_at": None,
}


def set_limits(hosts: Iterable[str], *, actor: str, reason: str, **limits: float | None) -> Intervention:
    """Set limits by their names in `calls_host`; the others keep their values. Raises ValueError without a reason."""

    def change(host: Host) -> str:
        before = {name: getattr(host, name) for name in limits if getattr(host, name) != limits[name]}
        if not before:
            return "nothing has changed"
        after = {name: limits[name] for name in before}
        # A request that waits by the old rate may go at once.
        more = {"next_at": None} if "per_second" in after else {}
        Host.objects.filter(pk=host.pk).update(**after, **more, updated_at=Now())
        audit(AuditEntry.Action.CHANGE, [("host", host.pk, before, after)], actor=actor, reason=reason)
        return ""

    return _change_each(hosts, change, reason=reason)


def close_hosts(hosts: Iterable[str], *, actor: str, reason: str, minutes: int) -> Intervention:
    """Send nothing to the hosts for so long, even if they are closed for longer now. ValueError without a reason."""

    def change(host: Host) -> str:
        until = Now() + timedelta(minutes=minutes)
        Host.objects.filter(pk=host.pk).update(
            closed_until=until, closed_reason=f"{actor}: {reason}"[:200], resume_at=None, updated_at=Now()
        )
        before = {"closed_until": host.closed_until and host.closed_until.isoformat()}
        audit(AuditEntry.Action.PAUSE, [("host", host.pk, before, {"minutes": minutes})], actor=actor, reason=reason)
        return ""

    return _change_each(hosts, change, reason=reason)


def open_hosts(hosts: Iterable[str], *, actor: str, reason: str) -> Intervention:
    """End closings, and close the circuits. Postponed jobs come back at their times. ValueError without a reason."""

    def change(host: Host) -> str:
        if host.closed_until is None and host.open_until is None and not host.failures:
            return "it is open"
        Host.objects.filter(pk=host.pk).update(**OPEN, updated_at=Now())
        times = {name: getattr(host, name) for name in ("closed_until", "open_until")}
        before = {name: value and value.isoformat() for name, value in times.items()} | {"failures": host.failures}
        audit(AuditEntry.Action.RESUME, [("host", host.pk, before, {})], actor=actor, reason=reason)
        return ""

    return _change_each(hosts, change, reason=reason)


def _change_each(hosts: Iterable[str], change: Callable[[Host], str], *, reason: str) -> Intervention:
    """Call `change`, which returns why it refuses, with each host locked, in a transaction of its own."""
    require_reason(reason)
    outcome = Intervention()

    def change_locked(pk: str) -> str:
        host = Host.objects.select_for_update().filter(pk=pk).first()
        return change(host) if host else "it is already gone"

    for pk in dict.fromkeys(hosts):
        if refusal := in_transaction(partial(change_locked, pk)):
            outcome.refused[pk] = refusal
        else:
            outcome.changed.append(pk)
    return outcome
