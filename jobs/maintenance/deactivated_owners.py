"""Owners whose accounts were deactivated: their waiting jobs are canceled, and their running ones are asked to end.

Dead jobs stay for the staff to look at. Nothing is sent to their URLs any more: deliveries that wait are jobs of
theirs, and `jobs.webhooks.announcing` makes no new ones. The work of a bulk run is left to itself: it stops where
the person who started it no longer has the permission (`jobs.bulk.stages`), and the run says so.
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
from jobs.models.queue_conditions import QUEUED_SQL
from jobs.postgres.statements import fetch_all
from jobs.states import ACTIVE, State

REASON: Final = "The owner's account was deactivated."

#: Queued jobs of owners who are not active. It hops from owner to owner of each queue: its cost is that of the owners
#: of queued jobs, however many jobs wait, and however many accounts were ever deactivated. A key of queue and owner
#: (`jobs.postgres.loose_index_scan`) would read a whole queue behind a job without an owner.
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
    """Cancel the jobs of deactivated owners. Each change has its event and its audit entry, without an actor."""
    return len(cancel_jobs(_jobs_to_cancel(BATCH_SIZE), actor="", reason=REASON, allowed=ACTIVE).changed)


def _jobs_to_cancel(at_most: int) -> list[UUID]:
    own = Job.objects.filter(owner__is_active=False).exclude(kind=BULK)
    few = (own.filter(state=State.RUNNING, cancel_requested_at=None), own.filter(state=State.FAILED))
    found = [pk for jobs in few for pk in jobs.values_list("pk", flat=True)[:at_most]]
    users, quoted = get_user_model()._meta, connection.ops.quote_name
    statement = OF_DEACTIVATED.format(users=quoted(users.db_table), key=quoted(str(users.pk.column)))
    return [*found, *(row["id"] for row in fetch_all(statement, bulk=BULK, at_most=at_most))][:at_most]
