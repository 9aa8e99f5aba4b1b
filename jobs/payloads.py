"""A job's payload as people see it."""

from __future__ import annotations

from typing import Any

from jobs.kinds import inspector_of
from jobs.masking import mask, secrets_in
from jobs.models import Job


def masked_payload(job: Job) -> Any:
    """The payload with `***` in place of each secret."""
    return mask(job.payload, inspector_of(job.kind).sensitive_names(job.payload))


def secrets_of(job: Job) -> set[str]:
    """The texts of the payload's secrets, to be masked in messages."""
    return secrets_in(job.payload, inspector_of(job.kind).sensitive_names(job.payload))
