"""Choose the database for a report: the one set by the dials, with a fallback if that is an unfit replica."""

from __future__ import annotations

from typing import Any, Literal

from django.db import DEFAULT_DB_ALIAS

from jobs.errors import PostponedError
from jobs.pacing.dials import Dials
from jobs.pacing.replica import REPLICA, look_at_replica


def database_to_read(dials: Dials, without_replica: Literal["wait", "primary"], *, notes: dict[str, Any]) -> str:
    """The alias to read from. Adds the choice and its reason to `notes`, for the conditions of an attempt.

    Raises PostponedError if the report waits for a replica that is down or too far behind.
    """
    alias = dials.database
    notes["database"] = alias
    if alias != REPLICA:
        return alias
    state = look_at_replica()
    if state.lag is not None:
        notes["replicaLagSeconds"] = round(state.lag, 1)
    unfit = state.unfit(max_lag_seconds=dials.max_lag_seconds)
    if not unfit:
        return alias
    if without_replica == "wait":
        public = state.unfit(max_lag_seconds=dials.max_lag_seconds, in_public=True)
        raise PostponedError(f"Waiting for the replica: {unfit}.", public=f"Waiting for the replica: {public}.")
    notes |= {"database": DEFAULT_DB_ALIAS, "insteadOf": alias, "because": unfit}
    return DEFAULT_DB_ALIAS
