"""Where a job stands in its queue: conditions for SQL and for the ORM, which a test compares.

PostgreSQL uses a partial index only if the query implies the condition of the index, so queries use these conditions.
"""

from __future__ import annotations

from typing import Final

from django.db.models import Q

#: Queued: waiting, scheduled for later, or handed out but not claimed. Index: `jobs_job_queued`.
#: No other condition says that `retry_at` is NULL. Otherwise PostgreSQL would choose this index over
#: `jobs_job_waiting` while it believes that no job is waiting, and would read all queued jobs for each one that it
#: hands out. No index has `lease_expires_at`, so a heartbeat changes none.
QUEUED: Final = Q(state="queued", retry_at=None)
QUEUED_SQL: Final = "state = 'queued' AND retry_at IS NULL"

#: Due: queued, and waiting or handed out. For searches by id: ordered by `finished_at` and id, only the index
#: `jobs_job_oldest` fits. (For an order by id alone, PostgreSQL might read the primary key, with all ended jobs.)
DUE: Final = Q(state="queued", due=True, finished_at=None)
DUE_SQL: Final = "state = 'queued' AND due AND finished_at IS NULL"

#: Waiting: it can be handed out now. Indexes: `jobs_job_waiting`.
WAITING: Final = Q(state="queued", released_at=None, due=True)
WAITING_SQL: Final = "state = 'queued' AND released_at IS NULL AND due"

#: Scheduled: queued, but not due yet, and so not handed out either. Index: `jobs_job_scheduled`.
SCHEDULED: Final = Q(state="queued", due=False)
SCHEDULED_SQL: Final = "state = 'queued' AND NOT due"

#: Held: running or handed out, so it takes a place of its queue. Indexes: `jobs_job_running`, `jobs_job_released`.
#: No statement about a single job says that `finished_at` is NULL. Otherwise PostgreSQL would look for that job in
#: these indexes while it believes that they are nearly empty, and would read all that a long snapshot keeps in them.
RUNNING: Final = Q(state="running", finished_at=None)
RUNNING_SQL: Final = "state = 'running' AND finished_at IS NULL"
HANDED_OUT: Final = Q(state="queued", released_at__isnull=False, finished_at=None)
HANDED_OUT_SQL: Final = "state = 'queued' AND released_at IS NOT NULL AND finished_at IS NULL"
