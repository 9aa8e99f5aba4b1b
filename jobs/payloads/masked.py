"""The masked payload, secrets and search terms of a job."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import structlog

from jobs.kinds import inspector_of, kind_names
from jobs.models import Job, SearchTerms
from jobs.payloads.masking import mask, secrets_in
from jobs.payloads.search import terms_of

logger = structlog.get_logger(__name__)


class _AllNames(frozenset[str]):
    """Contains every name."""

    def __contains__(self, name: object) -> bool:
        return True


ALL_NAMES: Final = _AllNames()


def secret_names(kind: str, payload: Any) -> Collection[str]:
    """The keys that the kind adds to those that sound like secrets.

    All keys if the kind is not installed or its code fails on the payload: masking too much is better than too little.
    """
    if not isinstance(payload, dict):
        return ()
    if kind not in kind_names():
        return ALL_NAMES
    try:
        return inspector_of(kind).sensitive_names(payload)
    except Exception as error:  # an app's code, given any payload
        logger.warning("secrets_unknown", kind=kind, error=type(error).__name__)
        return ALL_NAMES


def masked(kind: str, payload: Any) -> Any:
    """A payload of this kind with `***` in place of each secret."""
    return mask(payload, secret_names(kind, payload))


def masked_payload(job: Job) -> Any:
    """The job's payload with `***` in place of each secret."""
    return masked(job.kind, job.payload)


def secrets_of(job: Job) -> set[str]:
    """The secrets of the job's payload as texts, to be masked in messages."""
    return secrets_of_payload(job.kind, job.payload)


def secrets_of_payload(kind: str, payload: Any) -> set[str]:
    """The secrets of a payload that belongs to no job yet."""
    return secrets_in(payload, secret_names(kind, payload))


def index_payload(job: Job) -> None:
    """Update the job's type and search terms."""
    type_ = inspector_of(job.kind).type_of(job.payload) if isinstance(job.payload, dict) else ""
    Job.objects.filter(pk=job.pk).exclude(type=type_).update(type=type_)
    terms = terms_of(job.kind, job.payload, secret_names(job.kind, job.payload))
    SearchTerms.objects.update_or_create(job=job, defaults={"terms": terms})
