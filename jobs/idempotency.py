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
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction

from jobs.errors import IdempotencyKeyInUseError, IdempotencyKeyReusedError
from jobs.models import Job
from jobs.statements import ask, instance_of, one_trip

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: Until the transaction ends. Two keys with one hash would only be told to wait for each other.
TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(name)s::text, 0)) AS is_held"
#: What follows in the same trip sees what was committed before the lock was there.
FORGET: Final = """
    UPDATE jobs_job SET idempotency_key = NULL
    WHERE owner = %(owner)s::bigint AND idempotency_key = %(key)s::text
    AND created_at <= statement_timestamp() - make_interval(hours => %(hours)s::int)
"""
FIRST: Final = "SELECT * FROM jobs_job WHERE owner = %(owner)s::bigint AND idempotency_key = %(key)s::text"


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
    asked = {"owner": owner.pk, "key": idempotency.key, "hours": settings.IDEMPOTENCY_KEY_HOURS}
    with transaction.atomic():
        with one_trip():
            lock = ask(TRY_LOCK, name=f"idempotency {owner.pk} {idempotency.key}")
            ask(FORGET, **asked)
            known = ask(FIRST, **asked)
        if not lock.fetchall()[0]["is_held"]:
            raise IdempotencyKeyInUseError("The first request with this key is still being handled.")
        first = next((instance_of(Job, row) for row in known.fetchall()), None)
        if first is not None and first.request_fingerprint != idempotency.fingerprint:
            raise IdempotencyKeyReusedError("The first request with this key asked for something else.")
        yield first
