"""What became of the jobs that a bulk run has changed: not what it did to them, but where they are now."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.db import connection

from jobs.models.bulk import BulkItem, BulkRun
from jobs.states import ACTIVE, State

#: Jobs of a run that are looked at, so that its page costs the same from there on.
MOST_COUNTED: Final = 100_000

WORDS: Final = {
    State.SUCCEEDED: "succeeded",
    State.DEAD: "failed again",
    State.FAILED: "failed, to be retried",
    State.RUNNING: "running",
    State.QUEUED: "waiting",
    State.CANCELLED: "canceled",
    None: "deleted",
}

STATES: Final = """
    SELECT job.state, count(*), count(*) FILTER (WHERE job.fencing_token = item.fencing_token) FROM (
        SELECT job_id, fencing_token FROM jobs_bulkitem WHERE run_id = %(run)s AND outcome = %(changed)s LIMIT %(most)s
    ) AS item LEFT JOIN jobs_job AS job ON job.id = item.job_id
    GROUP BY job.state
"""


class Became(NamedTuple):
    """How many jobs are in one state now, and whether they will stay there without a person's doing.

    `waiting` of them have not begun since.
    """

    words: str
    jobs: int
    has_ended: bool
    waiting: int


def what_became(run: BulkRun) -> list[Became]:
    """The jobs that the run has changed, and not put back, by where they are now. One query."""
    with connection.cursor() as cursor:
        cursor.execute(STATES, {"run": run.pk, "changed": BulkItem.Outcome.CHANGED, "most": MOST_COUNTED})
        counted = {state: (jobs, unclaimed) for state, jobs, unclaimed in cursor.fetchall()}
    return [
        Became(words, counted[state][0], state not in ACTIVE, counted[state][1] if state == State.QUEUED else 0)
        for state, words in WORDS.items()
        if state in counted
    ]


def may_be_undone(became: list[Became]) -> bool:
    """Whether any job that was looked at has not begun. Where not all were, `steering.undo_run` looks at them."""
    return any(state.waiting for state in became) or sum(state.jobs for state in became) >= MOST_COUNTED
