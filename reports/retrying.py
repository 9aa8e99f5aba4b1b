"""Retry: a failed report again, as its owner ordered it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework import serializers

from jobs.errors import SecretUnreadableError
from jobs.interventions.retrying import NotRetryableError, retry_dead_job
from jobs.models import Job
from jobs.types.registry import UnknownTypeError
from reports.ordering import reopen_order

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def retry_report(job: Job, *, owner: AbstractBaseUser) -> None:
    """dead → queued. Raises NotRetryableError, and what `jobs.interventions.retrying.retry_dead_job` does."""
    try:
        reopen_order(job.payload, owner)
    except UnknownTypeError:
        raise NotRetryableError("There is no such report type any more, or you may not order it any more.") from None
    except SecretUnreadableError:
        raise NotRetryableError("Its secret parameters can no longer be decrypted. Order it again.") from None
    except serializers.ValidationError:
        raise NotRetryableError(
            "Its parameters are no longer valid. Order a new report with other parameters."
        ) from None
    retry_dead_job(job, owner=owner)
