"""Orders to undo an upload: whether it can be undone, and the job that undoes it. An upload is undone once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils.translation import gettext_noop

from jobs.dispatch.idempotency import Idempotency, job_of_first_request
from jobs.errors import PermanentError
from jobs.models import Artifact, Job
from jobs.models.querysets import JobQuerySet
from jobs.postgres.advisory_locks import TRANSACTION_LOCK, LockClass, lock_key
from jobs.postgres.statements import execute, planned_again
from jobs.states import ACTIVE, State
from jobs.status import is_available
from jobs.types.ordering import Placed
from uploads.models import Merge
from uploads.ordering import ORDERING, has_source
from uploads.repeating import continued_by
from uploads.types import UPLOAD_TYPES

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: Members of an upload's payload that the payload of its undo has, too.
SAME: Final = ("uploadType", "parameters", "file", "csv", "mode", "language")


#: HTTP status and code of each refusal.
NOT_COMPLETE: Final = (409, "not-complete")
ALREADY_UNDONE: Final = (409, "already-undone")
NOTHING_TO_UNDO: Final = (409, "nothing-to-undo")
NOT_UNDOABLE: Final = (409, "not-undoable")
EXPIRED: Final = (410, "expired")


class UndoRefusedError(Exception):
    """The upload cannot be undone, for the reason `why`. `undone_by`: the job that undoes it."""

    def __init__(self, why: tuple[int, str], message: str, *, undone_by: UUID | None = None) -> None:
        super().__init__(message)
        self.status, self.code = why
        self.undone_by = undone_by


def place_undo(*, owner: AbstractBaseUser, upload: Job, idempotency: Idempotency | None = None) -> Placed:
    """Submit the undo of an upload of `owner`, unless the same request already did.

    Raises UnknownTypeError if the owner may not upload the type any more, UndoRefusedError, and the errors of
    `job_of_first_request` and `submit_job`.
    """
    return planned_again(partial(_place_undo, owner, upload, idempotency))


def _place_undo(owner: AbstractBaseUser, upload: Job, idempotency: Idempotency | None) -> Placed:
    with transaction.atomic(), job_of_first_request(owner=owner, idempotency=idempotency) as first:
        if first is not None:
            return Placed(first, is_replayed=True)
        upload_type = UPLOAD_TYPES.get(upload.type, owner)
        execute(TRANSACTION_LOCK, key=lock_key(LockClass.UPLOAD_UNDO, upload.pk))
        require_undoable(upload, images=images_of(upload.pk))
        if undone_by := undo_of(upload):
            message = f"The upload {undone_by} undoes it, or has undone it."
            raise UndoRefusedError(ALREADY_UNDONE, message, undone_by=undone_by)
        payload: dict[str, Any] = {name: upload.payload[name] for name in SAME}
        payload |= {"dryRun": False, "plan": None, "corrects": None, "repeats": None, "continues": None}
        payload["undoes"] = str(upload.pk)
        return Placed(ORDERING.submit(upload_type, payload, {}, owner=owner, idempotency=idempotency))


def require_undoable(upload: Job, *, images: Artifact | None) -> None:
    """Raise UndoRefusedError unless the upload has changed rows, and its images are still there."""
    written = (upload.result or {}).get("upload", {})
    if upload.payload.get("undoes"):
        raise UndoRefusedError(NOT_UNDOABLE, "An undo cannot be undone.")
    if upload.state != State.SUCCEEDED:
        raise UndoRefusedError(NOT_COMPLETE, "Only an upload that is complete can be undone.")
    if images is None:
        if written.get("phase") != "merged" or not (written.get("rowsInserted") or written.get("rowsUpdated")):
            raise UndoRefusedError(NOTHING_TO_UNDO, "The upload has written no row.")
        raise UndoRefusedError(NOT_UNDOABLE, "The old values of the rows were not kept.")
    if not is_available(images):
        raise UndoRefusedError(EXPIRED, gettext_noop("The old values of the rows have expired."))


def undo_of(upload: Job) -> UUID | None:
    """The job that undoes the upload, or has undone it."""
    found = _undos(upload.pk).filter(state__in=[*ACTIVE, State.SUCCEEDED])
    return found.values_list("pk", flat=True).first()


def missing_file(job: Job) -> str:
    """Why an attempt would not find the file that it reads: the uploaded one, or that of an undo. Empty if it would."""
    if undoes := job.payload.get("undoes"):
        images = images_of(undoes)
        return "" if images and images.deleted_at is None else gettext_noop("The old values of the rows have expired.")
    if has_source(job):
        return ""
    if successor := continued_by(job):
        return f"The upload {successor} has taken over the file."
    return gettext_noop("The uploaded file has expired and must be uploaded again.")


def images_of(upload_id: Any) -> Artifact | None:
    """What the upload has kept for its undo; the file may have expired."""
    return Artifact.objects.filter(job_id=upload_id, role=Artifact.Role.BEFORE).first()


def require_not_undone(job: Job, *, alias: str) -> None:
    """Raise PermanentError if another job than this one has undone the same upload: one of them was retried."""
    others = list(_undos(job.payload["undoes"]).exclude(pk=job.pk).values_list("pk", "state"))
    written = Merge.objects.using(alias).filter(pk__in=[pk for pk, _ in others])
    if any(state == State.SUCCEEDED for _, state in others) or (alias != DEFAULT_DB_ALIAS and written.exists()):
        raise PermanentError(gettext_noop("The upload was undone by another job."), code="already-undone")


def _undos(upload_id: Any) -> JobQuerySet:
    """All jobs that undo the upload. The search term has an index."""
    terms = [f"undoes={upload_id}"]
    return Job.objects.filter(search_terms__terms__contains=terms, payload__undoes=str(upload_id)).order_by("-pk")
