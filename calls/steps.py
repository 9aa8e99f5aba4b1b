"""The steps of one attempt: those that earlier attempts have done, and new ones, written under its fencing token."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from psycopg.types.json import Jsonb

from calls.large_results import large_result, read_large
from calls.models import Step
from jobs.context import JobContext
from jobs.errors import PermanentError
from jobs.files.artifacts import ArtifactWriter
from jobs.models import Job
from jobs.postgres.pooling import clean_session
from jobs.postgres.reconnecting import retry_while_unreachable
from jobs.postgres.statements import fetch_all

#: The largest result in a row. Bytes of JSON.
MAX_INLINE_BYTES: Final = 256 * 1024

#: One row if the attempt still owns the job and no attempt has done the step; else none. A failed step is replaced.
WRITE_STEP: Final = """
    INSERT INTO calls_step AS step (
        job_id, name, of_item, fingerprint, attempt, outcome, result, artifact_id,
        request, answer, error_code, error_message, duration_ms, ended_at
    )
    SELECT
        id, %(name)s::text, %(of_item)s::bool, %(fingerprint)s::text, %(attempt)s::int, %(outcome)s::text,
        %(result)s::text, %(artifact_id)s::bigint, %(request)s::jsonb, %(answer)s::jsonb,
        %(error_code)s::text, %(error_message)s::text, %(duration_ms)s::int, statement_timestamp()
    FROM jobs_job
    WHERE id = %(job_id)s AND state = 'running' AND fencing_token = %(fencing_token)s
    ON CONFLICT (job_id, name) DO UPDATE SET
        fingerprint = EXCLUDED.fingerprint, attempt = EXCLUDED.attempt, outcome = EXCLUDED.outcome,
        result = EXCLUDED.result, artifact_id = EXCLUDED.artifact_id, request = EXCLUDED.request,
        answer = EXCLUDED.answer, error_code = EXCLUDED.error_code, error_message = EXCLUDED.error_message,
        duration_ms = EXCLUDED.duration_ms, ended_at = EXCLUDED.ended_at
    WHERE step.outcome = 'failed'
    RETURNING id
"""


@dataclass
class Facts:
    """What staff see of a step besides its result, without secrets. The function of the step fills it in."""

    request: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None
    #: Waiting for the host's turn, which is no part of the step's duration. Seconds.
    waited_seconds: float = 0.0


@dataclass(frozen=True)
class StoredStep:
    """A step that an attempt has ended, without its result."""

    outcome: str
    of_item: bool
    fingerprint: str
    error_code: str
    error_message: str

    @property
    def is_over(self) -> bool:
        """Whether no later attempt tries it again."""
        return self.outcome != Step.Outcome.FAILED


@dataclass(frozen=True)
class StepId:
    """The full name of a step, the fingerprint of what it does, and whether it belongs to an item."""

    name: str
    fingerprint: str
    of_item: bool


@dataclass
class Steps:
    """The steps of a job, for one attempt. Threads of the attempt share it."""

    context: JobContext
    expected: int | None = None
    _ended: dict[str, StoredStep] = field(default_factory=dict)
    #: The names of this attempt's steps that are over.
    _used: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self) -> None:
        """Read which steps are done. One query, unless this is the first attempt."""
        if self.context.attempt.number > 1:
            for name, *facts in Step.objects.filter(job_id=self.context.job.pk).values_list(
                "name", *(each.name for each in fields(StoredStep))
            ):
                self._ended[name] = StoredStep(*facts)
        self.report()

    def find(self, step: StepId) -> StoredStep | None:
        """The step that is done or refused; None if it must be tried.

        Raises PermanentError: `step-changed` if it did something else, `step-invalid` if this attempt has already had a
        step of this name, whose result would silently take the place of another.
        """
        with self._lock:
            stored = self._ended.get(step.name)
            if stored is None or not stored.is_over:
                return None
            if step.name in self._used:
                raise step_invalid(f"The name {step.name!r} is used for two steps.")
            self._used.add(step.name)
        if stored.fingerprint != step.fingerprint:
            raise PermanentError(
                f"The step {step.name!r} is already done, but it now does something else than before. A step must "
                "do the same in each attempt: give the new one another name.",
                code="step-changed",
                public="The call type was changed in a way that this call cannot continue with.",
            )
        return stored

    def result(self, name: str) -> Any:
        """The stored result of a step that is done. One query. Raises PermanentError `step-result-lost`."""
        step = Step.objects.select_related("artifact").get(job_id=self.context.job.pk, name=name)
        if step.result is not None:
            return json.loads(step.result)
        return json.loads(read_large(step.artifact, name=name))

    def write_done(self, step: StepId, value: Any, facts: Facts, *, milliseconds: int) -> Any:
        """Store the result, and return it as later attempts will see it.

        Raises LeaseLostError, and PermanentError `step-result-invalid` if it is not JSON.
        """
        text = json_text(value, name=step.name)
        if len(text) <= MAX_INLINE_BYTES:
            is_ours = self._write(step, Step.Outcome.DONE, facts, milliseconds, result=text)
        else:
            with large_result(self.context, name=step.name, data=text.encode()) as stored:
                is_ours = self._write(step, Step.Outcome.DONE, facts, milliseconds, stored=stored)
        return json.loads(text) if is_ours else self.result(step.name)

    def write_failure(
        self, step: StepId, facts: Facts, *, outcome: str, code: str, message: str, milliseconds: int
    ) -> None:
        """Store why a step failed: for good (`refused`), or until the next attempt (`failed`)."""
        self._write(step, outcome, facts, milliseconds, error_code=code, error_message=message)

    def report(self) -> None:
        """Report how many steps are done, and how many are expected, without those of items.

        The number of all steps is a detail of the progress, so a call with long items does not seem to stall.
        """
        with self._lock:
            over = [step for step in self._ended.values() if step.is_over]
            done = sum(not step.of_item for step in over)
            self.context.report_progress(done, total=None if self.expected is None else max(self.expected, done))
            self.context.report_details(steps=len(over))

    def write_progress(self) -> None:
        """Write the progress at the end of an attempt that has not finished the call. Nothing if its lease is lost.

        The heartbeat writes it only now and then, and then not again until the next attempt.
        """
        attempt, done, total = self.context.attempt, self.context.rows_done, self.context.rows_total
        percent = min(99, 100 * done // total) if total else 0
        with suppress(DatabaseError, InterfaceError):  # why the attempt has ended matters more
            Job.objects.held_by(attempt.job_id, attempt.fencing_token).update(
                progress_done=done,
                progress_total=total,
                progress_percent=Greatest(F("progress_percent"), Value(percent)),
            )

    def expect(self, number: int) -> None:
        """Add to the number of steps that the call expects to take."""
        with self._lock:
            self.expected = (self.expected or 0) + number
        self.report()

    def _write(
        self,
        step: StepId,
        outcome: str,
        facts: Facts,
        milliseconds: int,
        *,
        stored: ArtifactWriter | None = None,
        **result: str,
    ) -> bool:
        """Write the row of a step. False if another attempt, which was lost meanwhile, has ended the step after all."""
        attempt = self.context.attempt
        row = {
            "job_id": attempt.job_id,
            "fencing_token": attempt.fencing_token,
            "attempt": attempt.number,
            **asdict(step),
            "outcome": str(outcome),
            "request": facts.request and Jsonb(facts.request),
            "answer": facts.answer and Jsonb(facts.answer),
            "duration_ms": milliseconds,
            "result": None,
            "error_code": "",
            "error_message": "",
            **result,
        }
        with clean_session():
            is_ours, ended = retry_while_unreachable(
                lambda: self._try_to_write(row, stored), seconds=self.context.lease_seconds
            )
        with self._lock:
            self._ended[step.name] = ended
            if ended.is_over:
                self._used.add(step.name)
        self.report()
        return is_ours

    def _try_to_write(self, row: dict[str, Any], stored: ArtifactWriter | None) -> tuple[bool, StoredStep]:
        if self._insert(row, stored):
            return True, StoredStep(**{each.name: row[each.name] for each in fields(StoredStep)})
        attempt = self.context.attempt
        ended = Step.objects.filter(job_id=attempt.job_id, name=row["name"]).exclude(outcome=Step.Outcome.FAILED)
        known = ended.values_list("attempt", *(each.name for each in fields(StoredStep))).first()
        if known is None or not Job.objects.held_by(attempt.job_id, attempt.fencing_token).exists():
            raise self.context.lease_lost()
        number, *facts = known
        return number == attempt.number, StoredStep(*facts)  # ours if only the answer to an earlier trial was lost

    def _insert(self, row: dict[str, Any], stored: ArtifactWriter | None) -> bool:
        if stored is None:
            return bool(fetch_all(WRITE_STEP, artifact_id=None, **row))
        try:
            with transaction.atomic():
                artifact = stored.artifact()
                artifact.save()
                written = bool(fetch_all(WRITE_STEP, artifact_id=artifact.pk, **row))
                if not written:
                    transaction.set_rollback(True)
        except IntegrityError:  # the step has its file: by an earlier trial whose answer was lost, or a lost attempt
            return False
        return written


def key_of(job_id: UUID, name: str) -> str:
    """The idempotency key of a step: the same in every attempt (RFC 9562 section 5.5, a UUIDv5)."""
    return str(uuid5(NAMESPACE_OID, f"longhaul:{job_id}:{name}"))


def fingerprint_of(*parts: Any) -> str:
    """A hash of what a step does: of JSON values, whatever the order of their keys.

    Raises PermanentError `step-invalid` for anything else, which would look different in the next attempt.
    """
    try:
        return sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    except (TypeError, ValueError, RecursionError) as error:
        raise step_invalid(f"An item or a fingerprint is not JSON: {error}") from None


def step_invalid(reason: str) -> PermanentError:
    """The code of the call type asks for a step that cannot be. `reason` is for the staff."""
    return PermanentError(reason, code="step-invalid", public="A step of the call is not valid.")


def json_text(value: Any, *, name: str) -> str:
    """The value as JSON in ASCII. Raises PermanentError `step-result-invalid`."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise PermanentError(
            f"The result of {name} is not JSON: {error}",
            code="step-result-invalid",
            public="A step of the call returned a result that cannot be stored.",
        ) from None
