"""The wall clock of a worker, as its log and its leases show it."""

import re
from datetime import datetime
from uuid import UUID

from jobs.models import Job
from tests.support.fault import Fault


def log_time(fault: Fault, name: str) -> datetime:
    """The time stamp of the worker's last line."""
    stamps = re.findall(r"^\d{4}-\d\d-\d\dT[\d:.]+Z", fault.stack.log(name), re.MULTILINE)
    return datetime.fromisoformat(stamps[-1])


def renewed_twice(job: UUID, earlier: datetime) -> bool:
    lease = Job.objects.get(pk=job).lease_expires_at
    return lease is not None and (lease - earlier).total_seconds() > 2.5
