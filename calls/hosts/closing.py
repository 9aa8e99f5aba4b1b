"""Close a host for all workers: it asked for it by 429 or 503 with Retry-After."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from calls.hosts.gatekeeper import gatekeeper
from calls.hosts.statements import CLOSE
from calls.models.host import LONGEST_HOST
from jobs.postgres.statements import fetch_all

#: A host is not closed for less: the next request would be refused, too. Seconds.
SHORTEST_SECONDS: Final = 1.0


def close_host(host_key: str, *, seconds: float, reason: str) -> float:
    """Send nothing to the host for so long, from any worker, and return for how long. One statement.

    An earlier closing that lasts longer stays. `seconds` is limited to CALL_HOST_LONGEST_CLOSED_SECONDS. `reason` is
    for the staff, without secrets.
    """
    host = host_key.lower()[:LONGEST_HOST]
    bounded: float = min(max(seconds, SHORTEST_SECONDS), settings.CALL_HOST_LONGEST_CLOSED_SECONDS)
    fetch_all(CLOSE, host=host, seconds=bounded, reason=reason[:200])
    gatekeeper().look_again(host)
    return bounded
