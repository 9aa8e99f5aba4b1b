"""Purge the jobs that their owner deletes: files and owner are removed. Staff still see what ran, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models.functions import Now

from jobs.events import record_events
from jobs.files.artifacts import delete_artifact_file
from jobs.interventions.batches import Intervention, intervene
from jobs.interventions.cancellation import cancel_jobs
from jobs.kinds import find_kind
from jobs.models import Artifact, AuditEntry, Event, Job, ReusedKey
from jobs.postgres.commit import after_commit
from jobs.states import State

#: To its owner, a dead job has ended, too.
PURGEABLE = frozenset({State.SUCCEEDED, State.CANCELLED, State.DEAD})


def purge_jobs(job_ids: Iterable[UUID], *, actor: str) -> Intervention:
    """Remove the owner of ended jobs, delete their files and free their idempotency keys. Nobody is notified.

    What their kinds store besides is deleted, too (`Kind.forget`).

    Dead jobs become cancelled. Beat deletes a file that cannot be deleted now, because it is marked as expired.
    A job without an owner is refused: it has already been deleted.
    """

    def change(jobs: list[Job]) -> None:
        pks = [job.pk for job in jobs]
        dead = [job.pk for job in jobs if job.state == State.DEAD]
        Job.objects.filter(pk__in=dead, state=State.DEAD).update(state=State.CANCELLED)
        Job.objects.filter(pk__in=pks).update(
            owner=None, idempotency_key=None, calls_back=False, mails=False, updated_at=Now()
        )
        ReusedKey.objects.filter(job__in=pks).delete()
        Artifact.objects.filter(job__in=pks, deleted_at=None).update(expires_at=Now())
        _forget(jobs)
        record_events(dead, Event.Name.CANCELLED, actor=actor, discarded=True)
        record_events(pks, Event.Name.PURGED, actor=actor)
        after_commit(_delete_files, pks)

    return intervene(
        job_ids,
        action=AuditEntry.Action.DELETE,
        actor=actor,
        reason="",
        allowed=PURGEABLE,
        change=change,
        objection=lambda job: "it has already been deleted" if job.owner_id is None else "",
    )


def purge_or_cancel(job_id: UUID, *, actor: str) -> bool:
    """Purge an ended job and return True. Else cancel it and return False, also if it is already being canceled."""
    if purge_jobs([job_id], actor=actor).changed:
        return True
    if cancel_jobs([job_id], actor=actor).changed:
        return False
    return bool(purge_jobs([job_id], actor=actor).changed)  # it may have ended in the meantime


def _forget(jobs: list[Job]) -> None:
    of_kinds: defaultdict[str, list[UUID]] = defaultdict(list)
    for job in jobs:
        of_kinds[job.kind].append(job.pk)
    for name, pks in of_kinds.items():
        kind = find_kind(name)
        if kind is not None and kind.forget is not None:
            kind.forget(pks)


def _delete_files(job_ids: list[UUID]) -> None:
    for artifact in Artifact.objects.filter(job__in=job_ids, deleted_at=None):
        delete_artifact_file(artifact)
