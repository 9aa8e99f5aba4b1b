"""Which database a report is read from: the one that the dials say, and what to do where that is a replica, unfit."""

from __future__ import annotations

from typing import Literal

from django.db import DEFAULT_DB_ALIAS

from jobs.errors import PostponedError
from jobs.pacing.governor import Governor
from jobs.replica import REPLICA, look_at_replica


def database_to_read(governor: Governor, without_replica: Literal["wait", "primary"]) -> str:
    """The alias to read from; what was chosen, and why, goes to the conditions of the attempt.

    Raises PostponedError where the replica is down, or too far behind, and the report is to wait for it.
    """
    alias = governor.dials.database
    governor.notes["database"] = alias
    if alias != REPLICA:
        return alias
    state = look_at_replica()
    if state.lag is not None:
        governor.notes["replicaLagSeconds"] = round(state.lag, 1)
    unfit = state.unfit(max_lag_seconds=governor.dials.max_lag_seconds)
    if not unfit:
        return alias
    if without_replica == "wait":
        public = state.unfit(max_lag_seconds=governor.dials.max_lag_seconds, in_public=True)
        raise PostponedError(f"It waits for the replica: {unfit}.", public=f"It waits for the replica: {public}.")
    governor.notes |= {"database": DEFAULT_DB_ALIAS, "insteadOf": alias, "because": unfit}
    return DEFAULT_DB_ALIAS
