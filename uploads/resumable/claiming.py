"""Make, find, take over and remove resumable uploads: the transitions of their rows, except those with bytes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now
from django.http import Http404
from django.utils import timezone

from jobs.postgres.advisory_locks import TRANSACTION_LOCK, LockClass, lock_key
from jobs.postgres.commit import in_transaction
from jobs.postgres.statements import columns_of, execute, fetch_all, instance_of
from uploads.models import ResumableUpload, UploadPart
from uploads.resumable.errors import FinishingError, OvertakenError, TooManyError, WrongOffsetError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: One statement, so that of two requests at the same offset exactly one gets the newest token. Without an offset, any
#: will do. While another request is making the job, nobody takes over.
TAKE_OVER: Final = f"""
    UPDATE uploads_resumableupload SET fencing_token = fencing_token + 1, finishing_until = NULL
    WHERE id = %(pk)s AND expires_at > now() AND job_id IS NULL AND coalesce(finishing_until <= now(), true)
        AND offset_bytes = coalesce(%(offset)s::bigint, offset_bytes)
    RETURNING {columns_of(ResumableUpload, "uploads_resumableupload")}
"""  # noqa: S608


def next_expiry() -> datetime:
    """When an upload that has just got bytes expires."""
    return timezone.now() + timedelta(hours=settings.RESUMABLE_UPLOAD_HOURS)


def create_upload(
    *, owner: AbstractBaseUser, length_bytes: int, order: dict[str, Any], filename: str, metadata: str
) -> ResumableUpload:
    """A new upload without bytes. Raises TooManyError if the owner has RESUMABLE_UPLOADS_PER_USER unfinished ones."""
    limit = settings.RESUMABLE_UPLOADS_PER_USER

    def create() -> ResumableUpload:
        # Many at once are counted one after the other.
        execute(TRANSACTION_LOCK, key=lock_key(LockClass.RESUMABLE_UPLOADS, owner.pk))
        unfinished = ResumableUpload.objects.filter(owner_id=owner.pk, job_id=None, expires_at__gt=Now())
        if unfinished.count() >= limit:
            raise TooManyError(limit)
        return ResumableUpload.objects.create(
            owner_id=owner.pk,
            length_bytes=length_bytes,
            order=order,
            filename=filename,
            metadata=metadata,
            expires_at=next_expiry(),
        )

    return in_transaction(create)


def find_upload(owner: AbstractBaseUser, upload_id: str) -> ResumableUpload:
    """An upload of this owner that has not expired. Raises Http404."""
    try:
        pk = UUID(upload_id)
    except ValueError:
        raise Http404 from None
    found = ResumableUpload.objects.filter(pk=pk, owner_id=owner.pk, expires_at__gt=Now()).first()
    if found is None:
        raise Http404
    return found


def take_over(upload: ResumableUpload, *, offset: int | None = None) -> ResumableUpload:
    """The same upload with a new fencing token: no other request can write from now on.

    Raises WrongOffsetError if the stored bytes do not end at `offset`, FinishingError, and OvertakenError if it is gone
    or complete.
    """
    for row in fetch_all(TAKE_OVER, pk=upload.pk, offset=offset):
        return instance_of(ResumableUpload, row)
    found = ResumableUpload.objects.filter(pk=upload.pk, expires_at__gt=Now()).first()
    if found is None:
        raise OvertakenError
    if found.job_id is None and offset in (None, found.offset_bytes):
        raise FinishingError
    raise WrongOffsetError(found.offset_bytes)


def remove_upload(upload: ResumableUpload, *, only_expired: bool = False) -> list[str]:
    """Delete an upload whoever writes it, and return the names of its files, which are now orphans."""

    def remove() -> list[str]:
        row = ResumableUpload.objects.select_for_update(skip_locked=only_expired).filter(pk=upload.pk)
        if only_expired:
            row = row.filter(expires_at__lt=Now())  # it may have got bytes meanwhile
        if row.first() is None:
            return []
        names = list(UploadPart.objects.filter(upload=upload).values_list("storage_name", flat=True))
        ResumableUpload.objects.filter(pk=upload.pk).delete()
        return names

    return in_transaction(remove)
