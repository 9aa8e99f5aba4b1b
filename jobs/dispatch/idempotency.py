"""Idempotency keys: an order that is sent again, because its answer was lost, is the same order.

A key belongs to its owner, for all kinds of jobs, and holds for IDEMPOTENCY_KEY_HOURS. It stands with the job that its
request made (`jobs_job_idempotency_key` is unique) or, where the request was answered with a job that was there before,
in `jobs_reusedkey`. Never in both: the advisory lock lets one request with a key be handled at a time, and tells the
others that the first is not done.

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

#: What follows in the same trip sees what was committed before the lock was there. A reused key that is over, or whose
#: job was purged, is no key: it is overwritten, or pruned. One on a job is in the way until it is taken from there.
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
#: A transaction of its own, which waits for no row: an order locks no job before it has the queue's lock.
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

#: Stored fingerprints are made with it, so it stays as it is, wherever this module goes.
_SALT: Final = "jobs.idempotency"


@dataclass(frozen=True)
class Idempotency:
    """A key, and the fingerprint of the request that came with it.

    `former` are those that it may have been stored with: by the former SECRET_KEYs, and by a version before they were
    keyed.
    """

    key: str
    fingerprint: str
    former: tuple[str, ...] = ()

    @classmethod
    def of(cls, key: str, *, kind: str, body: Any) -> Idempotency:
        """The key of a request for a job of `kind` with this body."""
        asked = _canonical(kind, body)
        fingerprint, *former = (_keyed(asked, each) for each in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
        return cls(key, fingerprint, (*former, hashlib.sha256(asked.encode()).hexdigest()))

    def is_of(self, fingerprint: str) -> bool:
        """Whether this is the request that the stored fingerprint was made of.

        An empty one was removed (`jobs.maintenance.encrypting`): then the key alone says so, as its owner chose it for
        one order.
        """
        return fingerprint in ("", self.fingerprint, *self.former)


def _canonical(kind: str, body: Any) -> str:
    """What is asked for: equal for equal JSON, however it was written."""
    return json.dumps([kind, body], sort_keys=True, separators=(",", ":"))


def _keyed(asked: str, secret_key: str) -> str:
    """A fingerprint, 64 hexadecimal digits. Secrets are part of it: nobody who reads the table can try them out."""
    return salted_hmac(_SALT, asked, secret_key, algorithm="sha256").hexdigest()


@contextmanager
def job_of_first_request(*, owner: AbstractBaseUser, idempotency: Idempotency | None) -> Iterator[Job | None]:
    """The job of the first request with this key; None where this one is it, and the block is to submit the job, or to
    `keep_reused` one that is there.

    The block is one transaction; should it raise, the key is free again. Without a key it is no more than the block.
    Raises IdempotencyKeyInUseError while another request with the key is being handled, or somebody changes the job
    whose key is over; IdempotencyKeyReusedError where the first one asked for something else.
    """
    if idempotency is None:
        yield None
        return
    asked = {"owner": owner.pk, "key": idempotency.key, "hours": settings.IDEMPOTENCY_KEY_HOURS}
    for is_last in (False, True):
        with transaction.atomic():
            row = _first(asked)
            if row is None or not row["is_over"]:
                if row is not None and not idempotency.is_of(row["asked_for"]):
                    raise IdempotencyKeyReusedError("The first request with this key asked for something else.")
                yield job_with_result(row) if row else None
                return
        if not is_last:
            execute(FORGET, **asked)
    raise IdempotencyKeyInUseError("The job that had this key is being changed.")


def keep_reused(job: Job, *, owner: AbstractBaseUser, idempotency: Idempotency | None) -> None:
    """From now on the key stands for `job`, which was there before. Within `job_of_first_request`."""
    if idempotency is not None:
        execute(KEEP, owner=owner.pk, key=idempotency.key, fingerprint=idempotency.fingerprint, job_id=job.pk)


def prune_reused_keys(*, at_most: int) -> int:
    """Delete keys that are over; returns how many."""
    over = ReusedKey.objects.filter(created_at__lte=Now() - timedelta(hours=settings.IDEMPOTENCY_KEY_HOURS))
    ids = list(over.order_by("created_at").values_list("pk", flat=True)[:at_most])
    return over.filter(pk__in=ids).delete()[0]  # one of them may stand for another job meanwhile


def _first(asked: dict[str, Any]) -> dict[str, Any] | None:
    with pipeline():
        lock = execute(
            TRY_TRANSACTION_LOCK, key=lock_key(LockClass.IDEMPOTENCY_KEY, f"{asked['owner']} {asked['key']}")
        )
        known = execute(FIRST, **asked)
    if not lock.fetchall()[0]["is_held"]:
        raise IdempotencyKeyInUseError("The first request with this key is still being handled.")
    return next(iter(known.fetchall()), None)
