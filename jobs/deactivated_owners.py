"""Owners whose accounts were deactivated: their waiting jobs are canceled, and their running ones are asked to end.

Dead jobs stay for the staff to look at. Nothing is sent to their URLs any more: deliveries that wait are jobs of
theirs, and `jobs.webhooks.announcing` makes no new ones.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib.auth import get_user_model

from jobs.cancellation import cancel_jobs
from jobs.models import Job, Queue
from jobs.states import ACTIVE, State

REASON: Final = "The owner's account was deactivated."


def cancel_jobs_of_deactivated(*, at_most: int) -> int:
    """Cancel as many, and return how many were changed. Each has its event and its audit entry, by nobody."""
    return len(cancel_jobs(_jobs_to_cancel(at_most), actor="", reason=REASON, allowed=ACTIVE).changed)


def _jobs_to_cancel(at_most: int) -> list[UUID]:
    """Each condition has an index: what waits by queue and owner, and the few that run or wait for a retry."""
    gone = list(get_user_model().objects.filter(is_active=False).values_list("pk", flat=True))
    if not gone:
        return []
    running = Job.objects.filter(state=State.RUNNING, cancel_requested_at=None)
    kinds = [running, Job.objects.filter(state=State.FAILED)]
    kinds += [Job.objects.queued(name) for name in Queue.objects.values_list("name", flat=True)]
    return [pk for jobs in kinds for pk in jobs.filter(owner__in=gone).values_list("pk", flat=True)[:at_most]][:at_most]
