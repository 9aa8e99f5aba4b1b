"""A circuit for each user and host: while a host keeps failing a user, nothing of that user's is sent to it but one
delivery now and then. A host is meant with its port. What one user's URLs meet there holds up nobody else.

```
closed ── CALLBACK_CIRCUIT_FAILURES in a row ──▶ open ── its time is over ──▶ one delivery goes, the probe
   ▲                                              ▲                             │
   │                                              └─ it fails: open, for longer ┤
   └───────────────────────── it is answered ───────────────────────────────────┘
```

It is a row of `jobs_callbackhost`, which is there while the host fails that user. Each step is one statement, so
nothing is locked while something is sent.
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

#: Longer than a delivery may take, after which the probe counts as lost, and another one goes. Seconds.
PROBE_SLACK_SECONDS: Final = 15.0
#: Deliveries that wait for a host come back a little after each other: as a part of their wait.
SPREAD: Final = 0.25
#: 2 ** 30 minutes is long enough.
MOST_DOUBLINGS: Final = 30

#: When a failure opens the circuit, again or for the first time.
OPENS: Final = "(%(is_probe)s::bool OR host.open_until IS NULL AND host.failures + 1 >= %(threshold)s::int)"
#: Count one more failure; open when there are enough, or when it was the probe. One that comes in while the circuit
#: is open was sent before, and opens nothing.
FAILURE: Final = f"""
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

#: One statement, where Django's `delete()` makes a transaction of it.
ANSWER: Final = """
    DELETE FROM jobs_callbackhost WHERE owner_id = %(owner)s::bigint AND host = %(host)s::text RETURNING host
"""


class CircuitOpenError(PostponedError):
    """The host has failed too often; the delivery waits until it may be tried again."""


def pass_circuit(owner_id: int, host: str) -> bool:
    """Let a delivery of this user's to `host` go; True: it is the probe of an open circuit. Raises CircuitOpenError."""
    left = ExpressionWrapper(F("open_until") - Now(), output_field=DurationField())
    for wait in _row(owner_id, host).filter(open_until__isnull=False).values_list(left, flat=True):
        if wait <= timedelta(0) and _take_probe(owner_id, host):
            return True
        seconds = max(wait.total_seconds(), 0.0) or settings.CALLBACK_TIMEOUT_SECONDS
        delay = timedelta(seconds=1 + seconds * random.uniform(1.0, 1.0 + SPREAD))  # noqa: S311
        raise CircuitOpenError(f"{host} keeps failing; nothing is sent to it for now", delay=delay)
    return False


def note_answer(owner_id: int, host: str) -> None:
    """The host has answered: all is forgotten."""
    fetch_all(ANSWER, owner=owner_id, host=host)


def note_failure(owner_id: int, host: str, *, is_probe: bool, error: str) -> bool:
    """The host has failed; whether its circuit is open now. `error` is for the staff, in a few words."""
    [row] = fetch_all(
        FAILURE,
        owner=owner_id,
        host=host,
        is_probe=is_probe,
        error=error[:200],
        threshold=settings.CALLBACK_CIRCUIT_FAILURES,
        first=settings.CALLBACK_CIRCUIT_OPEN_SECONDS,
        longest=settings.CALLBACK_CIRCUIT_LONGEST_OPEN_SECONDS,
        doublings=MOST_DOUBLINGS,
    )
    return bool(row["open"])


def _row(owner_id: int, host: str) -> QuerySet[CallbackHost]:
    return CallbackHost.objects.filter(owner=owner_id, host=host)


def _take_probe(owner_id: int, host: str) -> bool:
    lasts = timedelta(seconds=settings.CALLBACK_TIMEOUT_SECONDS + PROBE_SLACK_SECONDS)
    over = _row(owner_id, host).filter(open_until__lte=Now())
    return over.update(open_until=Now() + lasts, updated_at=Now()) == 1
