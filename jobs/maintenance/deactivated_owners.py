"""Cancel the jobs of owners whose accounts were deactivated, except dead ones, which staff may want to look at.

Their queued deliveries are jobs, too, and `jobs.webhooks.announcing` makes no new ones, so nothing more is sent to
their URLs. Jobs of bulk runs are excluded: a bulk run stops by itself, and says so, when the person who started it no
longer has the permission (`jobs.bulk.stages`).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection

from jobs.interventions.cancellation import cancel_jobs
from jobs.maintenance.sweeping import BATCH_SIZE, sweep
from jobs.models import Job
from jobs.models.bulk import BULK
from jobs.models.queue_conditions import QUEUED_SQL, RUNNING
from jobs.postgres.statements import fetch_all
from jobs.states import ACTIVE, State

REASON: Final = "The owner's account was deactivated."

#: Queued jobs of inactive owners. It hops from owner to owner in each queue, so its cost depends only on the number of
#: owners of queued jobs, not on that of jobs or deactivated accounts. A scan by queue and owner
#: (`jobs.postgres.loose_index_scan`) would read a whole queue if one of its jobs has no owner.
OF_DEACTIVATED: Final = f"""
    WITH RECURSIVE owners AS (
        SELECT name AS queue, first.owner FROM jobs_queue, LATERAL (
            SELECT owner FROM jobs_job WHERE queue = name AND {QUEUED_SQL} ORDER BY owner LIMIT 1
        ) AS first
        UNION ALL
        SELECT owners.queue, next.owner FROM owners, LATERAL (
            SELECT owner FROM jobs_job WHERE queue = owners.queue AND owner > owners.owner AND {QUEUED_SQL}
            ORDER BY owner LIMIT 1
        ) AS next
    )
    SELECT job.id FROM owners, LATERAL (
        SELECT id FROM jobs_job WHERE queue = owners.queue AND owner = owners.owner AND {QUEUED_SQL}
        AND kind <> %(bulk)s::text LIMIT %(at_most)s::int
    ) AS job WHERE EXISTS (SELECT FROM {{users}} WHERE {{key}} = owners.owner AND NOT is_active)
    LIMIT %(at_most)s::int
"""  # noqa: S608


@sweep(every_seconds=30)
def cancel_jobs_of_deactivated_owners() -> int:
    """Cancel the jobs of deactivated owners. Each change adds an event and an audit entry without an actor."""
    return len(cancel_jobs(_jobs_to_cancel(BATCH_SIZE), actor="", reason=REASON, allowed=ACTIVE).changed)


def _jobs_to_cancel(at_most: int) -> list[UUID]:
    own = Job.objects.filter(owner__is_active=False).exclude(kind=BULK)
    few = (own.filter(RUNNING, cancel_requested_at=None), own.filter(state=State.FAILED))
    found = [pk for jobs in few for pk in jobs.values_list("pk", flat=True)[:at_most]]
    users, quoted = get_user_model()._meta, connection.ops.quote_name
    statement = OF_DEACTIVATED.format(users=quoted(users.db_table), key=quoted(str(users.pk.column)))
    return [*found, *(row["id"] for row in fetch_all(statement, bulk=BULK, at_most=at_most))][:at_most]
