"""Read a job together with its published result, in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from jobs.models import Artifact, Job
from jobs.postgres.statements import columns_of, instance_of

#: The prefix of the artifact's column names.
PREFIX: Final = "result "
RESULT_COLUMNS: Final = columns_of(Artifact, "result", prefix=PREFIX)


def join_result(table: str) -> str:
    """The join that provides RESULT_COLUMNS. `table` has the columns of jobs."""
    return (
        f"LEFT JOIN jobs_artifact AS result ON {table}.state = 'succeeded' AND result.job_id = {table}.id"
        " AND result.role = 'result' AND result.published_at IS NOT NULL"
    )


def job_with_result(row: Mapping[str, Any], *, prefix: str = "") -> Job:
    """The job of a row that has the columns of jobs, with this prefix, and RESULT_COLUMNS."""
    job = instance_of(Job, row, prefix=prefix)
    published = row[f"{PREFIX}id"] is not None
    job.__dict__["results"] = [instance_of(Artifact, row, prefix=PREFIX)] if published else []
    return job
