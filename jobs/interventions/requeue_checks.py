"""Whether a job can be requeued: check it against the current state, and explain the verdict.

A verdict is the worst of its findings: safe, safe with a warning, refused, will fail again. It is the same wherever it
is shown: on the job's page, in bulk actions and bulk runs, and in the terminal. No code of the job's type runs for it,
but the newest answer of such code (`jobs.interventions.inquiries`) is one of the findings. Facts that many jobs share
(dials of the queue, durations of similar jobs, whether a database responds) are looked up once for all of them.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final
from uuid import UUID

from django.conf import settings

from jobs.durations import in_words
from jobs.files.room import storage_shortage
from jobs.inspection import Finding
from jobs.interventions.batches import Intervention, batches
from jobs.interventions.circumstances import EqualJob, equal_jobs, past_durations, why_unreachable
from jobs.interventions.dead_letter import requeue_jobs, require_reason
from jobs.interventions.inquiries import Inquiry, latest_inquiries
from jobs.kinds import inspector_of, kind_names
from jobs.models import Artifact, Job
from jobs.pacing.dials import Dials, dials_of
from jobs.payloads.masked import secrets_of
from jobs.payloads.redaction import redact
from jobs.states import UNFINISHED, Level, State

LABELS: Final = {
    Level.OK: "safe",
    Level.WARNING: "safe with a warning",
    Level.REFUSED: "refused",
    Level.WILL_FAIL: "will fail again",
}


@dataclass(frozen=True)
class Verdict:
    """Whether one job can be requeued, and why."""

    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level:
        """The level of the worst finding."""
        return max((finding.level for finding in self.findings), default=Level.OK)

    @property
    def label(self) -> str:
        return LABELS[self.level]

    @property
    def reasons(self) -> str:
        """The worst findings in one line; empty if the job is safe to requeue."""
        return " ".join(str(found.text) for found in self.findings if self.level is found.level is not Level.OK)


class RequeueChecks:
    """Check one or many jobs. An instance caches what it reads, so make a new one for each request."""

    def __init__(self) -> None:
        self._dials = cache(current_dials)
        self._why_unreachable = cache(why_unreachable)
        self._past_durations = cache(past_durations)
        self._storage_shortage = cache(storage_shortage)

    def check(self, job: Job) -> Verdict:
        """The verdict on one job, which was read with its owner."""
        return self.check_all([job])[job.pk]

    def check_all(self, jobs: Sequence[Job]) -> dict[UUID, Verdict]:
        """Verdicts by job id. The number of queries does not depend on the number of jobs."""
        equal, inquiries = equal_jobs(jobs), latest_inquiries(jobs)
        results = Artifact.objects.filter(job__in=[job.pk for job in jobs], role=Artifact.Role.RESULT, deleted_at=None)
        published = set(results.filter(published_at__isnull=False).values_list("job", flat=True))

        def verdict(job: Job) -> Verdict:
            others, inquiry = equal.get(job.pk, ()), inquiries.get(job.pk)
            return Verdict(tuple(self._findings(job, others, inquiry, is_published=job.pk in published)))

        return {job.pk: verdict(job) for job in jobs}

    def _findings(
        self, job: Job, equal: Iterable[EqualJob], inquiry: Inquiry | None, *, is_published: bool
    ) -> Iterator[Finding]:
        if job.state not in UNFINISHED:
            yield Finding(Level.REFUSED, f"It is {job.state}: only dead and failed jobs can be requeued.")
        if job.kind not in kind_names():
            yield Finding(Level.WILL_FAIL, f"No installed app registers the kind {job.kind}.")
            return
        yield from _check_owner(job)
        yield from _catch_errors(inspector_of(job.kind).findings, job)
        yield from _check_equal_jobs(job, equal)
        if is_published:
            yield Finding(Level.REFUSED, "Its result is already published.")
        yield from _check_last_error(job)
        yield from self._check_environment(job)
        yield from self._check_duration(job)
        if inquiry and (finding := inquiry.finding(job)):
            yield finding

    def _check_environment(self, job: Job) -> Iterator[Finding]:
        found = self._dials(job.queue, job.kind, job.type)
        if found is None:
            yield Finding(Level.REFUSED, f"The queue {job.queue} no longer exists.")
            return
        if found.queue_paused:
            yield Finding(Level.WARNING, f"The queue {job.queue} is paused. Until it is resumed, the job will wait.")
        if found.type_paused:
            yield Finding(Level.WARNING, f"The type {job.type} is paused. Until it is resumed, the job will wait.")
        alias = found.database
        if alias not in settings.DATABASES:
            yield Finding(Level.REFUSED, f"The settings define no database named {alias}.")
        elif reason := self._why_unreachable(alias):
            yield Finding(Level.WARNING, f"The database {alias} does not respond: {reason}")
        else:
            yield Finding(Level.OK, f"The queue {job.queue} is handing out jobs, and the database {alias} responds.")
        if shortage := self._storage_shortage():
            yield Finding(Level.WARNING, shortage)

    def _check_duration(self, job: Job) -> Iterator[Finding]:
        seconds = self._past_durations(job.queue, job.kind, job.type)
        if seconds:
            middle, longest = in_words(statistics.median(seconds)), in_words(max(seconds))
            subject = f"last {len(seconds)} similar jobs" if len(seconds) > 1 else "last similar job"
            yield Finding(Level.OK, f"The {subject} took {middle} (median) and at most {longest}.")
        else:
            yield Finding(Level.OK, "No similar job has succeeded recently, so the duration is unknown.")


def requeue_checked_jobs(
    job_ids: Iterable[UUID], *, actor: str, reason: str, seen: Mapping[UUID, int] | None = None
) -> Intervention:
    """Requeue the jobs whose current verdict does not forbid it. Raises ValueError without a reason."""
    require_reason(reason)
    checks, outcome = RequeueChecks(), Intervention()
    for ids in batches(job_ids):
        verdicts = checks.check_all(list(Job.objects.filter(pk__in=ids).select_related("owner")))
        refused = {pk: verdict.reasons for pk, verdict in verdicts.items() if verdict.level.forbids}
        done = requeue_jobs([pk for pk in ids if pk not in refused], actor=actor, reason=reason, seen=seen)
        outcome.changed += done.changed
        refused |= done.refused
        outcome.refused |= {pk: refused[pk] for pk in ids if pk in refused}
    return outcome


def current_dials(queue: str, kind: str, type: str) -> Dials | None:  # noqa: A002
    """The current dials; None if the queue no longer exists."""
    defaults = inspector_of(kind).dials(type)
    try:
        return dials_of(queue, kind=kind, type=type, defaults=defaults)
    except LookupError:
        return None


def _check_owner(job: Job) -> Iterator[Finding]:
    if job.owner is not None and not job.owner.is_active:
        yield Finding(Level.REFUSED, f"The account of its owner, {job.owner.get_username()}, is deactivated.")


def _check_equal_jobs(job: Job, equal: Iterable[EqualJob]) -> Iterator[Finding]:
    for other in equal:
        if other.state != State.SUCCEEDED:
            yield Finding(Level.WARNING, f"A job with the same payload is already {other.state}: {other.job_id}.")
            return
    for other in equal:
        if other.finished_at > (job.finished_at or job.created_at):
            yield Finding(Level.WARNING, f"A job with the same payload has succeeded since: {other.job_id}.")
            return
    yield Finding(Level.OK, "No job with the same payload is waiting or running, or has succeeded since.")


def _check_last_error(job: Job) -> Iterator[Finding]:
    error = (job.result or {}).get("error") if isinstance(job.result, dict) else None
    if not isinstance(error, dict):
        return
    if error.get("code") in ("worker-lost", "stalled", "out-of-memory"):
        yield Finding(Level.WARNING, f"Its last attempt ended with {error['code']}. It may take down the next worker.")
    elif error.get("retryable") is False:
        cause = f"Its last error ({error.get('code')}) will not go away by itself."
        yield Finding(Level.WARNING, f"{cause} Fix the cause first, or edit the payload.")


def _catch_errors(look: Callable[[Job], Iterator[Finding]], job: Job) -> Iterator[Finding]:
    """Turn an exception into a finding: a payload may contain anything, and the kind's code may fail on it."""
    try:
        yield from list(look(job))
    except Exception as error:
        complaint = redact(repr(error), secrets_of(job))
        yield Finding(Level.WILL_FAIL, f"The check of its payload failed: {complaint}")
