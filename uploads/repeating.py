"""Uploads of a file that is already stored: a checked file is written, or checked once more, and nothing is sent twice.

The new job takes the file over, so exactly one of them has it. `continues` in its payload names the earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import translation
from django.utils.translation import gettext

from jobs.models import Artifact, Job
from jobs.postgres.statements import planned_again
from jobs.states import ACTIVE
from uploads.mending import MendedRows, mended_name
from uploads.ordering import ORDERING, first_with_same_bytes
from uploads.remembering import remember_headings
from uploads.types import UPLOAD_TYPES

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: Members of the earlier payload that the new one has, too.
SAME: Final = ("uploadType", "parameters", "file", "csv", "mode", "corrects", "mended")


class NotRepeatableError(Exception):
    """The file cannot be taken over: `continued_by` has it, or (None) it is gone, in use, or was never checked."""

    def __init__(self, message: str, *, continued_by: UUID | None = None) -> None:
        super().__init__(message)
        self.continued_by = continued_by


@dataclass(frozen=True)
class Repetition:
    """How the new upload differs. None: as the earlier one was ordered."""

    dry_run: bool
    mode: str | None = None
    #: What changes of `encoding`, `delimiter` and `headings`; None as a value of the first two: it is found out.
    csv: dict[str, Any] | None = None
    #: Whether the plan of the dry run must still hold.
    confirms: bool = False
    #: Rejected rows that were mended: the new upload corrects the earlier one.
    mended: MendedRows | None = None


def repeat_upload(*, owner: AbstractBaseUser, upload: Job, repetition: Repetition) -> Job:
    """Submit an upload of the file of `upload`, an ended one of `owner`, which hands the file over.

    Raises NotRepeatableError, UnknownTypeError if the owner may not upload the type any more, and the errors of
    `submit_job`.
    """
    return planned_again(partial(_repeat, owner, upload, repetition))


def _repeat(owner: AbstractBaseUser, upload: Job, repetition: Repetition) -> Job:
    with transaction.atomic():
        upload_type = UPLOAD_TYPES.get(upload.type, owner)
        if not (source := sources_of(upload.pk).first()):
            raise _gone(upload)
        payload = {**_payload(owner, upload, repetition), "continues": str(upload.pk)}
        job = ORDERING.submit(upload_type, payload, {}, owner=owner)
        # The row of the queue comes before those of jobs, and these before their files. The earlier job is locked, so
        # that nobody requeues or deletes it meanwhile.
        locked = Job.objects.select_for_update(no_key=True).filter(pk=upload.pk, owner=owner.pk)
        state = locked.values_list("state", flat=True).first()
        if state is None:
            raise _gone(upload, other_than=job.pk)
        if state in ACTIVE or upload.payload.get("undoes"):
            raise NotRepeatableError(gettext("The upload has not ended, or is an undo."))
        kept_until = Now() + (upload_type.retention or timedelta(days=settings.RETENTION_DAYS))
        if headings := (repetition.csv or {}).get("headings"):
            remember_headings(owner, upload.type, headings)
        if not sources_of(upload.pk).filter(pk=source.pk).update(job=job, expires_at=kept_until):
            raise _gone(upload, other_than=job.pk)
    return job


def _payload(owner: AbstractBaseUser, upload: Job, repetition: Repetition) -> dict[str, Any]:
    plan = (upload.result or {}).get("upload", {}).get("planDigest") if repetition.confirms else None
    if repetition.confirms and not plan:
        raise NotRepeatableError(gettext("The upload has no plan to confirm. Check it first."))
    first = first_with_same_bytes(owner, upload.type, upload.payload["file"]["sha256"])
    changed: dict[str, Any] = {"dryRun": repetition.dry_run, "plan": plan, "undoes": None}
    changed["repeats"] = str(first) if first and first != upload.pk else None
    changed["language"] = translation.get_language()
    if repetition.mode:
        changed["mode"] = repetition.mode
    if repetition.csv is not None:
        changed["csv"] = {**upload.payload["csv"], **repetition.csv}
    if repetition.mended is not None:
        changed["corrects"], changed["mended"] = str(upload.pk), repetition.mended.to_payload()
        changed["file"] = {**upload.payload["file"], "filename": mended_name(upload)}
        changed["repeats"] = None  # the bytes will be others
    same = {name: upload.payload[name] for name in SAME if name in upload.payload}
    return {"corrects": None, **same, **changed}


def sources_of(upload_id: Any) -> Any:
    """The stored file of an upload, if it still has it."""
    return Artifact.objects.filter(job_id=upload_id, role=Artifact.Role.SOURCE, deleted_at=None)


def continued_by(upload: Job, *, other_than: UUID | None = None) -> UUID | None:
    """The newest upload of the same owner that has taken the file over. The search term has an index."""
    found = Job.objects.filter(
        search_terms__terms__contains=[f"continues={upload.pk}"],
        payload__continues=str(upload.pk),
        owner=upload.owner_id,
    )
    others = found.exclude(pk=other_than) if other_than else found
    return others.order_by("-pk").values_list("pk", flat=True).first()


def _gone(upload: Job, *, other_than: UUID | None = None) -> NotRepeatableError:
    if successor := continued_by(upload, other_than=other_than):
        return NotRepeatableError(gettext("Another upload has taken the file over."), continued_by=successor)
    return NotRepeatableError(gettext("The uploaded file has expired and must be uploaded again."))
