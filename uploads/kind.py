"""The kind `upload` and its handler."""

from __future__ import annotations

from typing import Any, Final

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from jobs.context import JobContext
from jobs.kinds import Kind, QueueDials, Scopes
from jobs.types.reopening import reopen_to_run
from uploads.ingest.pipeline import ingest
from uploads.inspection import UploadInspector
from uploads.ordering import ORDERING
from uploads.remedies import REMEDIES_OF_UPLOADS
from uploads.types import UPLOAD_TYPES
from uploads.undo.attempt import undo


def run_upload(context: JobContext) -> dict[str, Any]:
    """Run one attempt of an upload or an undo. The order is validated again: the type may have changed since."""
    upload_type, _ = reopen_to_run(ORDERING, context.job, code="unknown-upload-type")
    with translation.override(context.job.payload.get("language")):
        run = undo if context.job.payload.get("undoes") else ingest
        return run(context, upload_type)


#: Uploads of one table wait for each other, and each keeps a session of PostgreSQL busy.
UPLOAD: Final = Kind(
    name=UPLOAD_TYPES.kind,
    queue="uploads",
    queue_dials=QueueDials(max_running=2),
    handler=run_upload,
    stall_timeout_seconds=3600,
    inspector=UploadInspector(ORDERING),
    scopes=Scopes(
        read="uploads:read",
        write="uploads:write",
        read_allows=_("see uploads and their errors"),
        write_allows=_("upload files, cancel, delete and undo uploads"),
    ),
    result_url="api-upload",
    remedies=REMEDIES_OF_UPLOADS,
)
