"""The current states of the jobs that a bulk run has changed."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.db import connection

from jobs.models.bulk import BulkItem, BulkRun
from jobs.states import ACTIVE, State

#: Maximum number of jobs that are counted, to limit the cost of a run's page.
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


class StateCount(NamedTuple):
    """How many jobs are in one state, and whether only a person can change that (`has_ended`).

    `waiting` is the number of jobs that have not started since the run changed them.
    """

    words: str
    jobs: int
    has_ended: bool
    waiting: int


def count_current_states(run: BulkRun) -> list[StateCount]:
    """Count the jobs that the run has changed and not restored, by their current state. One query."""
    with connection.cursor() as cursor:
        cursor.execute(STATES, {"run": run.pk, "changed": BulkItem.Outcome.CHANGED, "most": MOST_COUNTED})
        counted = {state: (jobs, unclaimed) for state, jobs, unclaimed in cursor.fetchall()}
    return [
        StateCount(words, counted[state][0], state not in ACTIVE, counted[state][1] if state == State.QUEUED else 0)
        for state, words in WORDS.items()
        if state in counted
    ]


def may_be_undone(current_states: list[StateCount]) -> bool:
    """Whether a counted job has not started. If not all jobs were counted, `steering.undo_run` checks the others."""
    return any(state.waiting for state in current_states) or sum(state.jobs for state in current_states) >= MOST_COUNTED
