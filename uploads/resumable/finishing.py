"""Assemble a file whose last byte has arrived, and order its upload.

That may take a minute, during which the client may give up and ask again. So the row says until when somebody is at
work (`finishing_until`), and other requests are told to come later. If the web server dies meanwhile, that time passes,
and the client sends the last part again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from jobs.files.artifacts import ArtifactWriter
from jobs.models import Job
from uploads.api.receiving import stored_source, storing
from uploads.models import ResumableUpload, UploadPart
from uploads.ordering import ORDERING
from uploads.resumable.claiming import next_expiry
from uploads.resumable.errors import OvertakenError
from uploads.resumable.parts import PartFile, blocks_of, delete_files, guarded, release_session
from uploads.types import UploadType

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: The share of LEASE_SECONDS after which the row is told again that somebody is at work.
RENEWAL_SHARE: Final = 0.2


def finish_upload(
    upload: ResumableUpload, last: PartFile | None, *, owner: AbstractBaseUser, upload_type: UploadType
) -> Job:
    """Order the upload of the committed parts and the `last` one, which is not committed: it is, with the order.

    Raises the errors of `UploadOrdering.place_upload`, OvertakenError, and PartLostError. Then the offset is as before,
    and `last` is deleted.
    """
    try:
        with _Lease(upload) as lease:
            committed = UploadPart.objects.filter(upload=upload).order_by("first_byte")
            parts = [part for part in committed if not last or part.first_byte < last.part.first_byte]
            parts += [last.part] if last else []
            release_session()
            fill = partial(_assemble, upload, parts, lease)
            with stored_source(upload_type, fill) as source:
                job = ORDERING.place_upload(
                    owner=owner, data=upload.order, source=source, record=partial(_record, upload)
                ).job
    except BaseException:
        if last:
            last.discard()
        raise
    upload.job_id, upload.offset_bytes = job.pk, upload.length_bytes
    absorbed = [last.absorbed.storage_name] if last and last.absorbed else []
    delete_files([*(part.storage_name for part in parts), *absorbed])
    return job


def _record(upload: ResumableUpload, job: Job) -> None:
    done = guarded(upload).update(
        offset_bytes=F("length_bytes"), job_id=job.pk, finishing_until=None, expires_at=next_expiry()
    )
    if done != 1:
        raise OvertakenError
    UploadPart.objects.filter(upload=upload).delete()


def _assemble(upload: ResumableUpload, parts: Sequence[UploadPart], lease: _Lease, writer: ArtifactWriter) -> None:
    for part in parts:
        for block in blocks_of(part):
            with storing():
                writer.write(block)
            lease.renew_if_due()
    if writer.size_bytes != upload.length_bytes:
        raise AssertionError(f"{upload.pk} has {writer.size_bytes} of {upload.length_bytes} bytes")
    writer.filename = upload.filename


class _Lease:
    """Keeps other requests from taking over for the length of a block."""

    def __init__(self, upload: ResumableUpload) -> None:
        self._upload = upload
        self._renewed_at = 0.0

    def __enter__(self) -> _Lease:
        self._renew()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Let others take over at once if there is no job."""
        if error is not None:
            with suppress(Exception):  # else the lease expires
                guarded(self._upload).update(finishing_until=None)

    def renew_if_due(self) -> None:
        """Raises OvertakenError if somebody has deleted the upload."""
        if time.monotonic() - self._renewed_at >= RENEWAL_SHARE * settings.LEASE_SECONDS:
            self._renew()
            release_session()

    def _renew(self) -> None:
        until = Now() + timedelta(seconds=settings.LEASE_SECONDS)
        if guarded(self._upload).update(finishing_until=until, expires_at=next_expiry()) != 1:
            raise OvertakenError
        self._renewed_at = time.monotonic()
