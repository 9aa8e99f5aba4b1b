"""Inquiries: a person asks what a job would cost the database, a worker finds out, and the answer is kept.

The answer comes from the code of the job's type (`Inspector.cost`), which may hang or crash its process. So an inquiry
is a job of its own kind in the queue of short operations, and its worker runs the code in a process that is killed at
a deadline (`jobs.types.contained`). There is one attempt. A failure of the code is an answer, too, so an inquiry
succeeds unless its worker vanishes. Its type is the id of the job it is about, so that an index finds the newest one.
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
#: Maximum run time of the code, including its queries. Seconds.
DEADLINE_SECONDS: Final = 10
#: How long the answer "will fail again" is valid.
VALID_FOR: Final = timedelta(hours=1)
#: Characters of an error message that are kept.
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
    """The newest inquiry about a job. It has no outcome while it is open."""

    job_id: UUID
    is_open: bool
    outcome: Outcome | None
    text: str
    asked_by: str
    at: datetime
    work: str

    @classmethod
    def of(cls, inquiry: Job) -> Self:
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
        """What the answer means for a requeue; None if the inquiry is open or about another payload."""
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
            return Finding(Level.WARNING, f"{said} This answer is out of date. Ask again.")
        return Finding(Level.WILL_FAIL, f"{said} If the cause has been fixed since, ask again.")

    @property
    def words(self) -> str:
        """The outcome as staff read it."""
        match self.outcome:
            case None:
                return "A worker is working on the answer."
            case Outcome.ANSWERED:
                return self.text
            case Outcome.REFUSED:
                return f"The query could not be built or planned: {self.text}"
            case Outcome.UNAVAILABLE:
                return f"The database did not respond: {self.text}"
            case Outcome.UNDECIDED:
                return f"The cost could not be estimated: {self.text}"
            case Outcome.TIMED_OUT:
                return f"The type's code and the planner took longer than {DEADLINE_SECONDS} s and were stopped."
            case Outcome.KILLED:
                return "The type's code crashed its process; it would crash a worker, too."
            case Outcome.LOST:
                return "The worker that handled the inquiry ended before it had an answer."


def submit_cost_inquiry(job: Job, *, actor: AbstractBaseUser | None) -> None:
    """Submit an inquiry about a job, unless one is open. Raises what `submit_job` raises."""
    if any(inquiry.is_open for inquiry in latest_inquiries([job]).values()):
        return
    submit_job(kind=INQUIRY, owner=actor, payload={"job": str(job.pk), "work": work_term(job)})


def latest_inquiries(jobs: Iterable[Job]) -> dict[UUID, Inquiry]:
    """The newest inquiry about each job, by the job's id. One query."""
    ids = [str(job.pk) for job in jobs]
    asked = Job.objects.filter(queue=QUEUE, kind=INQUIRY, type__in=ids).exclude(state=State.CANCELLED)
    rows = asked.order_by("type", "-id").distinct("type").select_related("owner")
    return {found.job_id: found for found in map(Inquiry.of, rows)}


def work_term(job: Job) -> str:
    """Identify the payload that an answer is about: the term changes when the payload is edited."""
    return same_work_term(job.kind, job.payload) if isinstance(job.payload, dict) else ""


def run_inquiry(context: JobContext) -> dict[str, Any]:
    """The handler; returns `{"outcome": …, "text": …}`."""
    bounds = Bounds(seconds=DEADLINE_SECONDS, memory_bytes=settings.PREVIEW_MEMORY_MB * 1024**2)
    try:
        answer: dict[str, Any] = contained(
            "jobs.interventions.inquiries.compute_cost", context.job.payload["job"], bounds=bounds, check=context.check
        )
    except CannotStartError:
        return {"outcome": Outcome.UNDECIDED, "text": "its process could not be started."}
    except ProcessEndedError:
        return {"outcome": Outcome.KILLED}
    except ContainedError:
        return {"outcome": Outcome.TIMED_OUT}
    return answer


def compute_cost(job_id: str) -> dict[str, Any]:
    """Ask the job's inspector, in a process of its own. Secrets of the payload are masked in the answer."""
    job = Job.objects.select_related("owner").filter(pk=job_id).first()
    if job is None:
        return {"outcome": Outcome.UNAVAILABLE, "text": "the job has been deleted."}
    try:
        cost = inspector_of(job.kind).cost(job)
    except Exception as error:  # a type's code and the database may raise anything
        code = classify(error).code
        if code == "out-of-memory":  # a worker may have more memory
            needs = f"the type's code needed more than {settings.PREVIEW_MEMORY_MB} MiB."
            return {"outcome": Outcome.UNDECIDED, "text": needs}
        outcome = Outcome.UNAVAILABLE if code in TRANSIENT_CODES else Outcome.REFUSED
        said = in_one_line(error, secrets_of(job)) or type(error).__name__
        return {"outcome": outcome, "text": f"{said[:MAX_TEXT_LENGTH]}."}
    return {"outcome": Outcome.ANSWERED, "text": cost or "The cost of this job is not known."}


class InquiryInspector(Inspector):
    """The payload names a job. People do not edit it."""

    types_are_counted = False

    def type_of(self, payload: dict[str, Any]) -> str:
        """The id of the job that the inquiry is about."""
        return str(payload.get("job", "")) if isinstance(payload, dict) else ""

    def validate(self, payload: Any, owner: AbstractBaseUser | None) -> dict[str, Any]:
        """Raises InvalidPayloadError unless the payload has the form that `submit_cost_inquiry` writes."""
        checked = super().validate(payload, owner)
        if set(checked) != {"job", "work"} or not all(isinstance(value, str) for value in checked.values()):
            raise InvalidPayloadError([{"pointer": "", "detail": "Only `job` and `work` belong here."}])
        return checked


#: One attempt: an inquiry that kills its worker would kill the next one, too.
KIND: Final = Kind(
    name=INQUIRY,
    queue=QUEUE,
    handler=run_inquiry,
    inspector=InquiryInspector(),
    retry_policy=RetryPolicy(max_attempts=1, max_lost_in_a_row=1),
)
