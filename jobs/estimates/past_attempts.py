"""The newest attempts of some types, for estimates."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from jobs.estimates.run_time import PastAttempts
from jobs.postgres.statements import fetch_all

#: The rows of some types, and the database's time.
PAST: Final = """
    SELECT statement_timestamp() AS now, kind, type, seconds, rows, rows_expected, bytes
    FROM unnest(%(kinds)s::text[], %(types)s::text[]) AS wanted (kind, type)
    LEFT JOIN jobs_recentruns USING (kind, type)
"""


def read_past(types: Collection[tuple[str, str]]) -> tuple[datetime, dict[tuple[str, str], PastAttempts]]:
    """The database's time, and the attempts of those types that have any. `types` are (kind, type), at least one."""
    rows = fetch_all(PAST, kinds=[kind for kind, _ in types], types=[type_ for _, type_ in types])
    known = [row for row in rows if row["seconds"] is not None]
    past = {
        (row["kind"], row["type"]): PastAttempts(row["seconds"], row["rows"], row["rows_expected"], row["bytes"] or ())
        for row in known
    }
    return rows[0]["now"], past
