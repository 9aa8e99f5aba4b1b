"""Inquiries: a person asks what a job would cost the database, a worker finds out, and the answer is kept.

The answer takes the code of the job's type (`Inspector.cost`), which may hang or end its process. So an inquiry is a
job of its own kind: it waits in the queue of short operations, and the worker runs the code in a process that is killed
at its deadline (`jobs.types.contained`). There is one attempt. A failure of the code is an answer, too, so an
inquiry succeeds unless its worker vanishes. Its type is the id of the job that it is about: an index finds the newest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from jobs.classification import classify
from jobs.context import JobContext
from jobs.dispatch.submission import submit_job
from jobs.durations import in_words
from jobs.inspection import Finding, Inspector, InvalidPayloadError
from jobs.kinds import Kind, inspector_of
from jobs.models import Job
from jobs.payloads.masked import secrets_of
from jobs.payloads.redaction import in_one_line
from jobs.payloads.search import same_work_term
from jobs.retry import RetryPolicy
from jobs.states import ACTIVE, Level, State
from jobs.types.contained import Bounds, CannotStartError, ContainedError, ProcessEndedError, contained

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

INQUIRY: Final = "inquiry"
QUEUE: Final = "operations"
#: How long the code may take, including its queries. Seconds.
DEADLINE_SECONDS: Final = 10
#: How long the answer that a job will fail stays valid.
VALID_FOR: Final = timedelta(hours=1)
#: How much of an error message is kept.
MAX_TEXT_LENGTH: Final = 1000
#: Codes of errors that concern the state of the database, not the query.
TRANSIENT_CODES: Final = frozenset({"database-error", "time-limit", "retryable-error"})


class Outcome(StrEnum):
    """How an inquiry ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    UNDECIDED = "undecided"
    TIMED_OUT = "timed-out"
    KILLED = "killed"
    LOST = "lost"


@dataclass(frozen=True)
class Inquiry:
    """The newest inquiry about a job. While it is open there is no outcome."""

    job_id: UUID
    is_open: bool
    outcome: Outcome | None
    text: str
    asked_by: str
    at: datetime
    work: str

    @classmethod
    def of(cls, inquiry: Job) -> Self:
        """From its row."""
        result = inquiry.result if isinstance(inquiry.result, dict) else {}
        found = result.get("outcome") if inquiry.state == State.SUCCEEDED else Outcome.LOST
        is_open = inquiry.state in ACTIVE
        return cls(
            job_id=UUID(inquiry.payload["job"]),
            is_open=is_open,
            outcome=None if is_open else Outcome(found or Outcome.LOST),
            text=result.get("text", ""),
            asked_by=inquiry.owner.get_username() if inquiry.owner else "",
            at=inquiry.finished_at or inquiry.created_at,
            work=inquiry.payload["work"],
        )

    def finding(self, job: Job) -> Finding | None:
        """What it says about running the job again; None if it is open or about another payload."""
        if self.outcome is None or self.work != work_term(job):
            return None
        age = timezone.now() - self.at
        when = f"Asked {in_words(max(age, timedelta(seconds=1)))} ago"
        if self.outcome is Outcome.ANSWERED:
            return Finding(Level.OK, f"{when}: {self.text}")
        said = f"{when}: {self.words}"
        if self.outcome not in (Outcome.REFUSED, Outcome.KILLED):
            return Finding(Level.WARNING, said)
        if age > VALID_FOR:
            return Finding(Level.WARNING, f"{said} That was a while ago: ask again.")
        return Finding(Level.WILL_FAIL, f"{said} If the cause has been repaired since, ask again.")

    @property
    def words(self) -> str:
        """The outcome, for the staff."""
        match self.outcome:
            case None:
                return "A worker is asking."
            case Outcome.ANSWERED:
                return self.text
            case Outcome.REFUSED:
                return f"The query could not be built or planned: {self.text}"
            case Outcome.UNAVAILABLE:
                return f"The database did not answer: {self.text}"
            case Outcome.UNDECIDED:
                return f"There is no answer: {self.text}"
            case Outcome.TIMED_OUT:
                return f"The report type's code and the planner took longer than {DEADLINE_SECONDS} s and were stopped."
            case Outcome.KILLED:
                return "The report type's code crashed its process; it would crash a worker, too."
            case Outcome.LOST:
                return "The worker that was asked ended before it had an answer."


def submit_cost_inquiry(job: Job, *, actor: AbstractBaseUser | None) -> None:
    """Submit an inquiry about a job, unless one is open. Raises what `jobs.dispatch.submission.submit_job` does."""
    if any(inquiry.is_open for inquiry in latest_inquiries([job]).values()):
        return
    submit_job(kind=INQUIRY, owner=actor, payload={"job": str(job.pk), "work": work_term(job)})


def latest_inquiries(jobs: Iterable[Job]) -> dict[UUID, Inquiry]:
    """The newest inquiry about each of the jobs, by their ids. One query."""
    ids = [str(job.pk) for job in jobs]
    asked = Job.objects.filter(queue=QUEUE, kind=INQUIRY, type__in=ids).exclude(state=State.CANCELLED)
    rows = asked.order_by("type", "-id").distinct("type").select_related("owner")
    return {found.job_id: found for found in map(Inquiry.of, rows)}


def work_term(job: Job) -> str:
    """Identifies the payload that the answer is about: it changes when the payload is edited."""
    return same_work_term(job.kind, job.payload) if isinstance(job.payload, dict) else ""


def run_inquiry(context: JobContext) -> dict[str, Any]:
    """The handler. Its result is `{"outcome": …, "text": …}`."""
    bounds = Bounds(seconds=DEADLINE_SECONDS, memory_bytes=settings.PREVIEW_MEMORY_MB * 1024**2)
    try:
        answer: dict[str, Any] = contained(
            "jobs.interventions.inquiries.compute_cost", context.job.payload["job"], bounds=bounds, check=context.check
        )
    except CannotStartError:
        return {"outcome": Outcome.UNDECIDED, "text": "the process for the question could not be started."}
    except ProcessEndedError:
        return {"outcome": Outcome.KILLED}
    except ContainedError:
        return {"outcome": Outcome.TIMED_OUT}
    return answer


def compute_cost(job_id: str) -> dict[str, Any]:
    """In a process of its own: ask the job's inspector. Secrets of the payload are masked in what it says."""
    job = Job.objects.select_related("owner").filter(pk=job_id).first()
    if job is None:
        return {"outcome": Outcome.UNAVAILABLE, "text": "the job has been deleted."}
    try:
        cost = inspector_of(job.kind).cost(job)
    except Exception as error:  # whatever a type's code and the database raise
        code = classify(error).code
        if code == "out-of-memory":  # a worker has another limit
            needs = f"the report type's code needed more than {settings.PREVIEW_MEMORY_MB} MiB."
            return {"outcome": Outcome.UNDECIDED, "text": needs}
        outcome = Outcome.UNAVAILABLE if code in TRANSIENT_CODES else Outcome.REFUSED
        said = in_one_line(error, secrets_of(job)) or type(error).__name__
        return {"outcome": outcome, "text": f"{said[:MAX_TEXT_LENGTH]}."}
    return {"outcome": Outcome.ANSWERED, "text": cost or "Nothing is known of what such a job costs."}


class InquiryInspector(Inspector):
    """The payload names a job, and is nothing that people edit."""

    types_are_counted = False

    def type_of(self, payload: dict[str, Any]) -> str:
        """The id of the job that it is about."""
        return str(payload.get("job", "")) if isinstance(payload, dict) else ""

    def validate(self, payload: Any, owner: AbstractBaseUser | None) -> dict[str, Any]:
        """Raises InvalidPayloadError unless it is as `submit_cost_inquiry` writes it."""
        checked = super().validate(payload, owner)
        if set(checked) != {"job", "work"} or not all(isinstance(value, str) for value in checked.values()):
            raise InvalidPayloadError([{"pointer": "", "detail": "An inquiry names a job and nothing else."}])
        return checked


#: One attempt: what ends the worker once would do so again.
KIND: Final = Kind(
    name=INQUIRY,
    queue=QUEUE,
    handler=run_inquiry,
    inspector=InquiryInspector(),
    retry_policy=RetryPolicy(max_attempts=1, max_lost_in_a_row=1),
)
