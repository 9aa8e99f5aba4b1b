"""Where a job stands in its queue: spelled once for SQL and once for the ORM, and a test compares the two.

PostgreSQL uses a partial index only for a query that implies the index's own condition, so queries take these words.
"""

from __future__ import annotations

from typing import Final

from django.db.models import Q

#: A queued job, in words that no other index has. Otherwise PostgreSQL would mistake this index for that of the waiting
#: jobs while it believes that none wait, and would read all of them for each job that it hands out.
QUEUED_FOR_INDEX: Final = Q(lease_expires_at=None, retry_at=None, finished_at=None)

#: Queued: waiting, scheduled for later, or handed out and not claimed yet. By `jobs_job_queued` and `jobs_job_oldest`.
QUEUED: Final = QUEUED_FOR_INDEX & Q(state="queued")
QUEUED_SQL: Final = "state = 'queued' AND lease_expires_at IS NULL AND retry_at IS NULL AND finished_at IS NULL"

#: Waiting: it can be handed out now. By `jobs_job_waiting`.
WAITING: Final = Q(state="queued", released_at=None, due=True)
WAITING_SQL: Final = "state = 'queued' AND released_at IS NULL AND due"

#: Scheduled: queued, and not due yet.
SCHEDULED_SQL: Final = "state = 'queued' AND released_at IS NULL AND NOT due"

#: Held: it takes a place of its queue, running or handed out. By `jobs_job_running` and `jobs_job_released`.
RUNNING: Final = Q(state="running")
RUNNING_SQL: Final = "state = 'running'"
HANDED_OUT: Final = Q(state="queued", released_at__isnull=False)
HANDED_OUT_SQL: Final = "state = 'queued' AND released_at IS NOT NULL"
