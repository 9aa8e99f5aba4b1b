"""How many messages a queue needs: a few, until workers answer them.

A worker that has answered a message goes on with the jobs that wait, without messages (`jobs.worker.going_on`). So an
order, or the end of a job, hands out no more jobs while MOST_UNANSWERED of those that were handed out within the last
second are unclaimed: a small job mostly needs no message, and Redis holds fewer of them than there are places.

No job is forgotten. Whoever claims a job that was handed out looks again after the claim, and so hands out the next
(`jobs.worker.execution`). An order that finds too many unanswered messages finds that after its own commit, so before
the claims that answer them, and each of these sees the order. If messages are lost, a second later they do not count;
and Beat and staff hand out whatever has its turn (`since=None`).
"""

from __future__ import annotations

from typing import Final

from jobs.models.queue_conditions import HANDED_OUT_SQL

#: So many messages wake that many idle workers at once, and each of them wakes the next.
MOST_UNANSWERED: Final = 10

#: How many more jobs may be handed out now. Index: `jobs_job_released`, of which a long snapshot can keep only the dead
#: entries of the last second in the way of this search.
MORE_MESSAGES: Final = f"""
    ({MOST_UNANSWERED} - (SELECT count(*) FROM (
        SELECT FROM jobs_job
        WHERE queue = %(queue)s::text AND {HANDED_OUT_SQL}
            AND released_at > statement_timestamp() - interval '1 second'
        LIMIT {MOST_UNANSWERED}
    ) AS unanswered))
"""  # noqa: S608
