"""Delete resumable uploads of any owner, as staff."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from jobs.interventions.audit import audit
from jobs.interventions.batches import Intervention
from jobs.interventions.dead_letter import require_reason
from jobs.models import AuditEntry
from jobs.postgres.commit import in_transaction
from uploads.models import ResumableUpload
from uploads.resumable.claiming import remove_upload
from uploads.resumable.parts import delete_files


def delete_uploads(upload_ids: Iterable[UUID], *, actor: str, reason: str) -> Intervention:
    """Delete unfinished uploads with their bytes, whoever sends them, each in a transaction with its audit entry.

    One that has become a job is refused: its bytes belong to the job. Raises ValueError without a reason.
    """
    require_reason(reason)
    outcome = Intervention()
    for pk in dict.fromkeys(upload_ids):
        refusal, names = in_transaction(partial(_delete, pk, actor=actor, reason=reason))
        if refusal:
            outcome.refused[pk] = refusal
        else:
            outcome.changed.append(pk)
            delete_files(names)
    return outcome


def _delete(pk: UUID, *, actor: str, reason: str) -> tuple[str, list[str]]:
    """Why it is refused, or the names of its files, which are now orphans."""
    upload = ResumableUpload.objects.select_for_update(of=("self",)).select_related("owner").filter(pk=pk).first()
    if upload is None:
        return "it is already gone", []
    if upload.job_id:
        return f"it has become the job {upload.job_id}", []
    before = {
        "owner": upload.owner.get_username(),
        "file": upload.filename,
        "bytes": upload.offset_bytes,
        "length": upload.length_bytes,
    }
    names = remove_upload(upload)
    audit(AuditEntry.Action.DELETE, [("resumable upload", pk, before, {})], actor=actor, reason=reason)
    return "", names
