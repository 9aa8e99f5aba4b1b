"""The replica that reports read if `REPLICA_URL` is set: its state, and whether it is fit to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError

from jobs.payloads.redaction import in_one_line
from jobs.postgres.sessions import short_session

REPLICA: Final = "replica"

#: On a replica, its lag: 0 once it has replayed all that it has received, while it is connected to its primary.
#: On a primary, the largest lag of its replicas. NULL if it is unknown.
#: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-RECOVERY-INFO-TABLE
LAG_SECONDS: Final = """
    SELECT CASE
        WHEN NOT pg_is_in_recovery() THEN (SELECT extract(epoch FROM max(replay_lag)) FROM pg_stat_replication)
        WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0
        ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
    END
"""


@dataclass(frozen=True)
class ReplicaState:
    """What a look at the replica found: `lag` in seconds, or a `complaint`, which is for the staff.

    `public` is the complaint for the owner of a job: it names no server, and no error.
    """

    lag: float | None
    complaint: str = ""
    public: str = ""

    def unfit(self, *, max_lag_seconds: int | None, in_public: bool = False) -> str:
        """Why reports may not read from it; empty if they may."""
        if self.lag is not None and max_lag_seconds is not None and self.lag > max_lag_seconds:
            return f"the replica is {self.lag:.0f} s behind; at most {max_lag_seconds} s are allowed"
        return self.public if in_public else self.complaint


def has_replica() -> bool:
    """Whether `REPLICA_URL` is set."""
    return REPLICA in settings.DATABASES


def alias_to_read() -> str:
    """The database that an empty dial `database` stands for."""
    return REPLICA if has_replica() else DEFAULT_DB_ALIAS


def look_at_replica() -> ReplicaState:
    """Look once, over a connection of its own. A problem with the replica is returned as a complaint, not raised."""
    try:
        with short_session(REPLICA) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_is_in_recovery(), ({LAG_SECONDS})", [])
            is_replica, lag = cursor.fetchall()[0]
    except (DatabaseError, InterfaceError) as error:
        return ReplicaState(None, f"the replica does not answer: {in_one_line(error)}", "the replica does not answer")
    if not is_replica:
        complaint = "the replica was promoted and is no longer a replica"
        return ReplicaState(None, complaint, "the replica is out of service")
    if lag is None:
        unknown = "the lag of the replica is unknown"
        return ReplicaState(None, unknown, unknown)
    return ReplicaState(max(0.0, float(lag)))
