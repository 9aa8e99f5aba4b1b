"""What is deleted with a call besides its files."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from calls.models import Step
from jobs.models import Job


def forget_calls(job_ids: Collection[UUID]) -> None:
    """Delete the steps and the results of calls that their owner deletes. Why a call failed stays, for the staff."""
    Step.objects.filter(job__in=job_ids).delete()
    Job.objects.filter(pk__in=job_ids, result__has_key="value").update(result={})
