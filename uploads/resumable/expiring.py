"""Delete resumable uploads that nobody has gone on with."""

from __future__ import annotations

from django.db.models.functions import Now

from jobs.housekeeping import BATCH_SIZE
from uploads.models import ResumableUpload
from uploads.resumable.claiming import remove_upload
from uploads.resumable.parts import delete_files


def expire_resumable_uploads() -> int:
    """Delete the uploads that have expired, with their parts, and the rows of those that were finished long ago."""
    expired = list(ResumableUpload.objects.filter(expires_at__lt=Now()).order_by("expires_at")[:BATCH_SIZE])
    for upload in expired:
        delete_files(remove_upload(upload, only_expired=True))
    return len(expired)
