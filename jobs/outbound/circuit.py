"""A circuit breaker for each user and host (with its port): while requests of a user to a host keep failing, only an
occasional probe is sent. Failures of one user's URLs do not delay other users.

```
closed ── CALLBACK_CIRCUIT_FAILURES in a row ──▶ open ── its time is over ──▶ one delivery goes, the probe
   ▲                                              ▲                             │
   │                                              └─ it fails: open, for longer ┤
   └───────────────────────── it is answered ───────────────────────────────────┘
```

A circuit is a row of `jobs_callbackhost`, which exists while requests fail. Each step is one statement, so nothing is
locked while a request is sent.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Now

from jobs.errors import PostponedError
from jobs.models.callbacks import CallbackHost
from jobs.postgres.statements import fetch_all

#: A probe counts as lost this long after the timeout of a delivery; then another one may be sent. Seconds.
PROBE_SLACK_SECONDS: Final = 15.0
#: Spreads the deliveries that wait for a host, as a fraction of their wait.
JITTER: Final = 0.25
#: 2 ** 30 minutes is long enough.
MAX_DOUBLINGS: Final = 30

#: Whether a failure opens the circuit, for the first time or again.
OPENS: Final = "(%(is_probe)s::bool OR host.open_until IS NULL AND host.failures + 1 >= %(threshold)s::int)"
#: Count a failure, and open the circuit if there are enough failures or if this was the probe. A failure of a delivery
#: that was sent before the circuit opened changes nothing.
RECORD_FAILURE: Final = f"""
    INSERT INTO jobs_callbackhost AS host (owner_id, host, failures, openings, open_until, last_error)
    SELECT %(owner)s::bigint, %(host)s::text, 1, opens::int,
        CASE WHEN opens THEN statement_timestamp() + make_interval(secs => %(first)s::float) END, %(error)s::text
    FROM (SELECT %(threshold)s::int <= 1 AS opens) AS new
    ON CONFLICT (owner_id, host) DO UPDATE SET
        failures = host.failures + 1,
        last_error = EXCLUDED.last_error,
        updated_at = statement_timestamp(),
        openings = CASE WHEN {OPENS} THEN host.openings + 1 ELSE host.openings END,
        open_until = CASE WHEN {OPENS} THEN statement_timestamp() + make_interval(
            secs => least(%(longest)s::float, %(first)s::float * 2.0 ^ least(host.openings, %(doublings)s::int))
        ) ELSE host.open_until END
    RETURNING open_until > statement_timestamp() AS open
"""  # noqa: S608

#: A single statement: Django's `delete()` would open a transaction.
RECORD_SUCCESS: Final = """
    DELETE FROM jobs_callbackhost WHERE owner_id = %(owner)s::bigint AND host = %(host)s::text RETURNING host
"""


class CircuitOpenError(PostponedError):
    """The circuit is open; the delivery is postponed."""


def check_circuit(owner_id: int, host: str) -> bool:
    """Allow a delivery of this user to `host`; True if it is the probe of an open circuit. Raises CircuitOpenError."""
    left = ExpressionWrapper(F("open_until") - Now(), output_field=DurationField())
    for wait in _circuit_of(owner_id, host).filter(open_until__isnull=False).values_list(left, flat=True):
        if wait <= timedelta(0) and _claim_probe(owner_id, host):
            return True
        seconds = max(wait.total_seconds(), 0.0) or settings.CALLBACK_TIMEOUT_SECONDS
        delay = timedelta(seconds=1 + seconds * random.uniform(1.0, 1.0 + JITTER))  # noqa: S311
        raise CircuitOpenError(f"{host} keeps failing, so requests to it are suspended", delay=delay)
    return False


def record_success(owner_id: int, host: str) -> None:
    """Close the circuit and forget its failures."""
    fetch_all(RECORD_SUCCESS, owner=owner_id, host=host)


def record_failure(owner_id: int, host: str, *, is_probe: bool, error: str) -> bool:
    """Count a failure; return whether the circuit is open now. `error` is a short text for the staff."""
    [row] = fetch_all(
        RECORD_FAILURE,
        owner=owner_id,
        host=host,
        is_probe=is_probe,
        error=error[:200],
        threshold=settings.CALLBACK_CIRCUIT_FAILURES,
        first=settings.CALLBACK_CIRCUIT_OPEN_SECONDS,
        longest=settings.CALLBACK_CIRCUIT_LONGEST_OPEN_SECONDS,
        doublings=MAX_DOUBLINGS,
    )
    return bool(row["open"])


def _circuit_of(owner_id: int, host: str) -> QuerySet[CallbackHost]:
    return CallbackHost.objects.filter(owner=owner_id, host=host)


def _claim_probe(owner_id: int, host: str) -> bool:
    lasts = timedelta(seconds=settings.CALLBACK_TIMEOUT_SECONDS + PROBE_SLACK_SECONDS)
    over = _circuit_of(owner_id, host).filter(open_until__lte=Now())
    return over.update(open_until=Now() + lasts, updated_at=Now()) == 1
