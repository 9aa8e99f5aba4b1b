"""How busy a database is, as far as one of its sessions can see."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

from jobs.pacing.replica import LAG_SECONDS
from jobs.postgres.sessions import own_connection

#: Sessions that are executing a statement, except for jobs of ours ("longhaul " and an id), which the dial
#: `max_running` limits, and sessions that wait for their client. Only members of pg_read_all_stats see other roles'.
#: https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
ACTIVE_SESSIONS: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    AND wait_event_type IS DISTINCT FROM 'Client' AND application_name NOT LIKE 'longhaul %%'
"""

TIMEOUT_MILLISECONDS: Final = 2_000


@dataclass(frozen=True)
class Pressure:
    """One measurement. `latency` (of one small fetch) and `lag` are in seconds; `lag` is None without a replica."""

    active_sessions: float
    latency: float
    lag: float | None


def mean(samples: Sequence[Pressure]) -> Pressure:
    """The mean of one or more samples, with the lag of the last one."""
    return Pressure(
        fmean(sample.active_sessions for sample in samples),
        fmean(sample.latency for sample in samples),
        samples[-1].lag,
    )


class Probe:
    """Measures over a session of its own, beside the one that reads the rows."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._connection: BaseDatabaseWrapper | None = None

    def measure(self) -> Pressure:
        """Measure once. Raises Django's DatabaseError or InterfaceError; the next call then connects again."""
        try:
            connection = self._connected()
            with connection.cursor() as cursor:
                began = time.monotonic()
                cursor.execute(f"SELECT ({ACTIVE_SESSIONS}), ({LAG_SECONDS})", [])
                active_sessions, lag = cursor.fetchall()[0]
                latency = time.monotonic() - began
        except Exception:
            self.close()
            raise
        return Pressure(active_sessions, latency, None if lag is None else float(lag))

    def close(self) -> None:
        """End the session, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> BaseDatabaseWrapper:
        if self._connection is None:
            connection = own_connection(self._alias)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('application_name', 'longhaul pacing', false), "
                    "set_config('statement_timeout', %s, false)",
                    [str(TIMEOUT_MILLISECONDS)],
                )
            self._connection = connection
        return self._connection
