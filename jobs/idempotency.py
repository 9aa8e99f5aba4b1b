"""Idempotency keys: an order that is sent again, because its answer was lost, is the same order.

A key belongs to its owner, for all kinds of jobs, and holds for IDEMPOTENCY_KEY_HOURS. The unique constraint
`jobs_job_idempotency_key` is what guards it; the advisory lock tells a second request that the first is not done.

Source: https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from jobs.errors import IdempotencyKeyInUseError, IdempotencyKeyReusedError
from jobs.models import Job

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


@dataclass(frozen=True)
class Idempotency:
    """A key, and the fingerprint of the request that came with it."""

    key: str
    fingerprint: str


def fingerprint_of(kind: str, body: Any) -> str:
    """SHA-256 of what is asked for, hexadecimal: equal for equal JSON, however it was written."""
    canonical = json.dumps([kind, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@contextmanager
def job_of_first_request(*, owner: AbstractBaseUser, idempotency: Idempotency | None) -> Iterator[Job | None]:
    """The job of the first request with this key; None where this one is it, and the block is to submit the job.

    The block is one transaction; should it raise, the key is free again. Without a key it is no more than the block.
    Raises IdempotencyKeyInUseError while another request with the key is being handled, IdempotencyKeyReusedError
    where the first one asked for something else.
    """
    if idempotency is None:
        yield None
        return
    with transaction.atomic():
        if not _lock(owner, idempotency.key):
            raise IdempotencyKeyInUseError("The first request with this key is still being handled.")
        mine = Job.objects.filter(owner=owner.pk, idempotency_key=idempotency.key)
        mine.filter(created_at__lte=Now() - timedelta(hours=settings.IDEMPOTENCY_KEY_HOURS)).update(
            idempotency_key=None
        )
        first = mine.first()
        if first is not None and first.request_fingerprint != idempotency.fingerprint:
            raise IdempotencyKeyReusedError("The first request with this key asked for something else.")
        yield first


def _lock(owner: AbstractBaseUser, key: str) -> bool:
    """Until the transaction ends. Two keys with one hash would only wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"idempotency {owner.pk} {key}"])
        return bool(cursor.fetchone() == (True,))
