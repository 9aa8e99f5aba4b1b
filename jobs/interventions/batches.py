"""Apply a person's action to many jobs, in batches. Each job must be in a state that allows the action."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Final
from uuid import UUID

from jobs.announcing import announce_ends, must_be_announced
from jobs.dispatch.release import release_jobs
from jobs.interventions.audit import audit
from jobs.models import AuditEntry, Job
from jobs.postgres.commit import after_commit, in_transaction
from jobs.states import ACTIVE, State

#: Maximum number of jobs that one transaction locks.
BATCH_SIZE: Final = 500
#: Fields of a job whose values before and after are kept in the audit trail.
AUDITED: Final = ("state", "attempt_count", "retry_at", "cancel_requested_at", "error_class", "error_fingerprint")


@dataclass
class Intervention:
    """The outcome: the ids of what was changed, mostly jobs, and the reason why each of the others was refused."""

    changed: list[Any] = field(default_factory=list)
    refused: dict[Any, str] = field(default_factory=dict)


def intervene(
    job_ids: Iterable[UUID],
    *,
    action: AuditEntry.Action,
    actor: str,
    reason: str,
    allowed: Collection[State],
    change: Callable[[list[Job]], None],
    seen: Mapping[UUID, int] | None = None,
    objection: Callable[[Job], str] = lambda job: "",
) -> Intervention:
    """Lock the jobs and call `change` with those that are in one of the `allowed` states. Refuse the others.

    `seen` holds the fencing tokens that the jobs had when the person decided; a job that has run since is refused. So
    is a job for which `objection` returns a text. Each changed job gets an audit entry.

    A repeated or concurrent call changes nothing more, because it finds the jobs in another state. Afterwards each
    queue is released: there may be free places, new queued jobs, or jobs that a release skipped because of our locks.
    """

    def refusal(job: Job) -> str:
        if job.state not in allowed:
            return f"it is {job.state}"
        if seen is not None and seen.get(job.pk, job.fencing_token) != job.fencing_token:
            return "it has run again in the meantime"
        return objection(job)

    def change_batch(batch: list[UUID]) -> Intervention:
        locked = Job.objects.select_for_update(no_key=True).filter(pk__in=batch).order_by("pk")
        found = {job.pk: job for job in locked.only("queue", "fencing_token", "owner", *AUDITED)}
        refused = {pk: why for pk, job in found.items() if (why := refusal(job))}
        fitting = [job for pk, job in found.items() if pk not in refused]
        if fitting:
            change(fitting)
            after = Job.objects.only("calls_back", "mails", *AUDITED).in_bulk([job.pk for job in fitting])
            entries = [("job", job.pk, _audited_values(job), _audited_values(after[job.pk])) for job in fitting]
            audit(action, entries, actor=actor, reason=reason)
            if ended := [job.pk for job in after.values() if must_be_announced(job) and job.state not in ACTIVE]:
                after_commit(announce_ends, ended)
        for queue in {job.queue for job in found.values()}:
            after_commit(release_jobs, queue)
        unknown = {pk: "there is no such job" for pk in batch if pk not in found}
        return Intervention([job.pk for job in fitting], refused | unknown)

    outcome = Intervention()
    for batch in batches(job_ids):
        changed = in_transaction(partial(change_batch, batch))
        outcome.changed += changed.changed
        outcome.refused |= changed.refused
    return outcome


def _audited_values(job: Job) -> dict[str, Any]:
    return {name: str(value) for name in AUDITED if (value := getattr(job, name)) not in (None, "")}


def batches(job_ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    """Split the ids into lists of at most BATCH_SIZE. No list contains duplicates."""
    rest = iter(job_ids)
    while batch := list(dict.fromkeys(islice(rest, BATCH_SIZE))):
        yield batch
