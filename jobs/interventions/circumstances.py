"""The context of a failed job: equal jobs, how long similar jobs take, whether its database responds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from jobs.models import Attempt, Job, SearchTerms
from jobs.payloads.redaction import in_one_line
from jobs.payloads.search import same_work_term
from jobs.postgres.sessions import short_session
from jobs.states import State

#: Maximum numbers of attempts whose durations are compared, and of the newest similar jobs that they are taken from.
ATTEMPTS_COMPARED: Final = 50
JOBS_COMPARED: Final = 500
#: Maximum number of equal jobs that are read for one call, for all its jobs together.
MOST_EQUAL_JOBS: Final = 1000


@dataclass(frozen=True)
class EqualJob:
    """Another job with an equal payload, of the same owner."""

    job_id: UUID
    state: str
    finished_at: Any


def equal_jobs(jobs: Sequence[Job]) -> dict[UUID, list[EqualJob]]:
    """By job id, the other jobs with the same work and owner that are queued, running or have succeeded."""
    terms = {job.pk: same_work_term(job.kind, job.payload) for job in jobs if job.payload}
    if not terms:
        return {}
    rows = (
        SearchTerms.objects.filter(terms__overlap=sorted(set(terms.values())))
        .filter(job__state__in=(State.QUEUED, State.RUNNING, State.SUCCEEDED))
        .order_by("-job")
        .values_list("job", "job__owner", "job__state", "job__finished_at", "terms__0")[:MOST_EQUAL_JOBS]
    )
    found: dict[tuple[str, Any], list[EqualJob]] = {}
    for job_id, owner, state, finished_at, term in rows:
        found.setdefault((term, owner), []).append(EqualJob(job_id, state, finished_at))
    owners = {job.pk: job.owner and job.owner.pk for job in jobs}
    return {
        pk: [other for other in found.get((term, owners[pk]), []) if other.job_id != pk] for pk, term in terms.items()
    }


def past_durations(queue: str, kind: str, type_: str) -> list[float]:
    """The durations of the last successful attempts of similar jobs, in seconds."""
    similar = Job.objects.filter(queue=queue, kind=kind, type=type_).order_by("-id").values("pk")[:JOBS_COMPARED]
    ended = Attempt.objects.filter(job__in=similar, outcome="succeeded", finished_at__isnull=False).order_by("-job")
    pairs = ended.values_list("started_at", "finished_at")[:ATTEMPTS_COMPARED]
    return [(finished - started).total_seconds() for started, finished in pairs if finished is not None]


def why_unreachable(alias: str) -> str:
    """Why the database does not respond; empty if it does. The default one did: the jobs were read from it."""
    if alias == DEFAULT_DB_ALIAS:
        return ""
    try:
        with short_session(alias):
            return ""
    except Exception as error:  # from the driver or from Django
        return in_one_line(error)
