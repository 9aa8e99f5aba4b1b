"""Idempotency keys: an order that is sent again because its answer was lost is the same order.

A key belongs to its owner, across all kinds of jobs, and is valid for IDEMPOTENCY_KEY_HOURS. It is stored with the job
that its request made (`jobs_job_idempotency_key` is unique) or, if the request was answered with an existing job, in
`jobs_reusedkey`; never in both. An advisory lock admits one request with a key at a time; the others are refused.

Source: https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from jobs.errors import IdempotencyKeyInUseError, IdempotencyKeyReusedError
from jobs.files.results import RESULT_COLUMNS, job_with_result, join_result
from jobs.models import Job, ReusedKey
from jobs.postgres.advisory_locks import TRY_TRANSACTION_LOCK, LockClass, lock_key
from jobs.postgres.statements import columns_of, execute, pipeline

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: Sent behind the lock in one round trip, so it sees what was committed before the lock was taken. A reused key that
#: has expired, or whose job was purged, does not count: it is overwritten or pruned. FORGET removes an expired one from
#: its job.
FIRST: Final = f"""
    WITH found AS (
    SELECT job.*, kept.fingerprint AS asked_for, false AS is_over
    FROM jobs_reusedkey AS kept JOIN jobs_job AS job ON job.id = kept.job_id AND job.owner = kept.owner_id
    WHERE kept.owner_id = %(owner)s::bigint AND kept.key = %(key)s::text
    AND kept.created_at > statement_timestamp() - make_interval(hours => %(hours)s::int)
    UNION ALL
    SELECT
        job.*, job.request_fingerprint,
        job.created_at <= statement_timestamp() - make_interval(hours => %(hours)s::int)
    FROM jobs_job AS job WHERE job.owner = %(owner)s::bigint AND job.idempotency_key = %(key)s::text
    )
    SELECT {columns_of(Job, "found")}, {RESULT_COLUMNS}, asked_for, is_over FROM found {join_result("found")}
"""  # noqa: S608
#: In a transaction of its own that waits for no row: an order locks no job before it has the queue's lock.
FORGET: Final = """
    UPDATE jobs_job SET idempotency_key = NULL
    WHERE id = (
        SELECT id FROM jobs_job
        WHERE owner = %(owner)s::bigint AND idempotency_key = %(key)s::text
        AND created_at <= statement_timestamp() - make_interval(hours => %(hours)s::int)
        FOR NO KEY UPDATE SKIP LOCKED
    )
"""
KEEP: Final = """
    INSERT INTO jobs_reusedkey (owner_id, key, fingerprint, job_id)
    VALUES (%(owner)s::bigint, %(key)s::text, %(fingerprint)s::text, %(job_id)s::uuid)
    ON CONFLICT (owner_id, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, job_id = excluded.job_id, created_at = statement_timestamp()
"""

#: Stored fingerprints are made with this salt, so it never changes, even if this module moves.
_SALT: Final = "jobs.idempotency"


@dataclass(frozen=True)
class Idempotency:
    """A key, and the fingerprint of the request that came with it.

    `former`: fingerprints of the same request under the former SECRET_KEYs, and the unkeyed one of an old version.
    """

    key: str
    fingerprint: str
    former: tuple[str, ...] = ()

    @classmethod
    def of(cls, key: str, *, kind: str, body: Any) -> Idempotency:
        """The key of a request for a job of `kind` with this body."""
        canonical = json.dumps([kind, body], sort_keys=True, separators=(",", ":"))
        # The body may contain secrets. Without the SECRET_KEY, a reader of the table cannot test guesses.
        secret_keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        keyed = [salted_hmac(_SALT, canonical, each, algorithm="sha256").hexdigest() for each in secret_keys]
        return cls(key, keyed[0], (*keyed[1:], hashlib.sha256(canonical.encode()).hexdigest()))

    def matches(self, fingerprint: str) -> bool:
        """Whether the stored fingerprint is of this request.

        An empty one was removed (`jobs.maintenance.encrypting`): then the key is enough, as its owner chose it for one
        order.
        """
        return fingerprint in ("", self.fingerprint, *self.former)


@contextmanager
def job_of_first_request(*, owner: AbstractBaseUser, idempotency: Idempotency | None) -> Iterator[Job | None]:
    """The job of the first request with this key. None: this is the first, and the block must submit the job, or call
    `keep_reused` for an existing one.

    The block is one transaction; if it raises, the key is free again. Without a key, nothing is done but the block.
    Raises IdempotencyKeyInUseError while another request with the key is being handled, or the job of an expired key is
    being changed; IdempotencyKeyReusedError if the first request asked for something else.
    """
    if idempotency is None:
        yield None
        return
    asked = {"owner": owner.pk, "key": idempotency.key, "hours": settings.IDEMPOTENCY_KEY_HOURS}
    for is_last in (False, True):
        with transaction.atomic():
            row = _first(asked)
            if row is None or not row["is_over"]:
                if row is not None and not idempotency.matches(row["asked_for"]):
                    raise IdempotencyKeyReusedError("The first request with this key asked for something else.")
                yield job_with_result(row) if row else None
                return
        if not is_last:
            execute(FORGET, **asked)
    raise IdempotencyKeyInUseError("The job that had this key is being changed.")


def keep_reused(job: Job, *, owner: AbstractBaseUser, idempotency: Idempotency | None) -> None:
    """Let the key stand for `job`, which existed before. Call this within `job_of_first_request`."""
    if idempotency is not None:
        execute(KEEP, owner=owner.pk, key=idempotency.key, fingerprint=idempotency.fingerprint, job_id=job.pk)


def prune_reused_keys(*, at_most: int) -> int:
    """Delete expired reused keys; returns how many."""
    over = ReusedKey.objects.filter(created_at__lte=Now() - timedelta(hours=settings.IDEMPOTENCY_KEY_HOURS))
    ids = list(over.order_by("created_at").values_list("pk", flat=True)[:at_most])
    return over.filter(pk__in=ids).delete()[0]  # one may have been used again meanwhile


def _first(asked: dict[str, Any]) -> dict[str, Any] | None:
    with pipeline():
        name = f"{asked['owner']} {asked['key']}"
        lock = execute(TRY_TRANSACTION_LOCK, key=lock_key(LockClass.IDEMPOTENCY_KEY, name))
        known = execute(FIRST, **asked)
    if not lock.fetchall()[0]["is_held"]:
        raise IdempotencyKeyInUseError("The first request with this key is still being handled.")
    return next(iter(known.fetchall()), None)
