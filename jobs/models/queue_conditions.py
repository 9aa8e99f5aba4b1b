"""Where a job stands in its queue: conditions for SQL and for the ORM, which a test compares.

PostgreSQL uses a partial index only if the query implies the condition of the index, so queries use these conditions.
"""

from __future__ import annotations

from typing import Final

from django.db.models import Q

#: A queued job, in terms that no other index uses. Otherwise PostgreSQL would choose this index over `jobs_job_waiting`
#: while it believes that no job is waiting, and would read all queued jobs for each one that it hands out.
QUEUED_FOR_INDEX: Final = Q(lease_expires_at=None, retry_at=None, finished_at=None)

#: Queued: waiting, scheduled for later, or handed out but not claimed. Indexes: `jobs_job_queued`, `jobs_job_oldest`.
QUEUED: Final = QUEUED_FOR_INDEX & Q(state="queued")
QUEUED_SQL: Final = "state = 'queued' AND lease_expires_at IS NULL AND retry_at IS NULL AND finished_at IS NULL"

#: Waiting: it can be handed out now. Indexes: `jobs_job_waiting`.
WAITING: Final = Q(state="queued", released_at=None, due=True)
WAITING_SQL: Final = "state = 'queued' AND released_at IS NULL AND due"

#: Scheduled: queued, but not due yet, and so not handed out either. Index: `jobs_job_scheduled`.
SCHEDULED: Final = Q(state="queued", due=False)
SCHEDULED_SQL: Final = "state = 'queued' AND NOT due"

#: Held: running or handed out, so it takes a place of its queue. Indexes: `jobs_job_running`, `jobs_job_released`.
RUNNING: Final = Q(state="running")
RUNNING_SQL: Final = "state = 'running'"
HANDED_OUT: Final = Q(state="queued", released_at__isnull=False)
HANDED_OUT_SQL: Final = "state = 'queued' AND released_at IS NOT NULL"
