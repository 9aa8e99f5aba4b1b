"""The limits that call types declare for hosts."""

from __future__ import annotations

from typing import Any

from calls.hosts.statements import SEED
from calls.types import CALL_TYPES, Host
from jobs.postgres.statements import fetch_all


def limits_of(host: str, declared: Host | None = None) -> Host:
    """The stricter limits, where several call types declare the host; `declared` counts, too."""
    found = [known.hosts[host] for known in CALL_TYPES.all() if host in known.hosts]
    if declared is not None:
        found.append(declared)
    in_flight = [each.in_flight for each in found if each.in_flight is not None]
    per_second = [each.per_second for each in found if each.per_second is not None]
    return Host(min(in_flight, default=None), min(per_second, default=None))


def seed_hosts(**kwargs: Any) -> None:
    """Create the rows of declared hosts that are missing, after `migrate`. From then on, staff own the limits."""
    for host in sorted({host for known in CALL_TYPES.all() for host in known.hosts}):
        limits = limits_of(host)
        fetch_all(SEED, host=host, in_flight=limits.in_flight, per_second=limits.per_second)
