"""Uploads over HTTP: the differences from the resources of other kinds."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from django.urls import reverse

from jobs.api.resources.resource import JobResource
from jobs.estimates.estimate import Estimate
from jobs.interventions.retrying import NotRetryableError
from jobs.models import Artifact, Job
from jobs.states import State
from jobs.status import has_ended, is_available
from jobs.types.base import JobType
from uploads.api.bodies import OrderedUpload, UploadStatus, UploadTypeMembers, upload_members
from uploads.api.corrections import correction_members
from uploads.api.examples import OF_A_STATUS
from uploads.ordering import ORDERING
from uploads.schemas import json_schema, table_schema
from uploads.undo.ordering import missing_file, undo_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from uploads.types import UploadType

#: Role of an artifact → the member with its URL, and the name of the URL.
FILES = {"errors": ("errorReportURL", "upload-errors"), "results": ("resultsURL", "upload-results")}


class UploadResource(JobResource):
    """`/api/uploads` and `/api/upload-types`."""

    ordering = ORDERING
    Ordered = OrderedUpload
    StatusBase = UploadStatus
    TypeBase = UploadTypeMembers
    has_download = False
    unknown_type = (400, "unknown-upload-type")
    status_examples = OF_A_STATUS

    def ordered(self, job: Job) -> dict[str, Any]:
        """Parameters, file, format and mode."""
        payload = job.payload
        names = ("file", "csv", "mode", "dryRun", "plan", "corrects", "repeats", "undoes", "continues")
        return {**super().ordered(job), **{name: payload.get(name) for name in names}}

    def status_body(self, job: Job, known: Estimate, *, in_list: bool = False) -> dict[str, Any]:
        """Adds the phase, the counts, the errors and, except in a list, the URLs of the files and the corrections."""
        body = super().status_body(job, known, in_list=in_list)
        if not in_list and has_ended(job):
            files = _files_of(job)
            body |= {
                FILES[role][0]: reverse(FILES[role][1], args=[job.pk]) for role in FILES if is_available(files[role])
            }
            body |= undo_members(job, files[Artifact.Role.BEFORE])
        if not in_list:
            body |= correction_members(job)
        return body | upload_members(job)

    def type_body(self, one: JobType) -> dict[str, Any]:
        """Adds the limits and the schemas of a file."""
        upload_type = cast("UploadType", one)
        return {
            **super().type_body(one),
            "mode": upload_type.mode,
            "maxBytes": upload_type.max_bytes,
            "maxRows": upload_type.max_rows,
            "row": json_schema(upload_type),
            "tableSchema": table_schema(upload_type),
            "templateURL": reverse("upload-template", args=[one.identifier]),
        }

    def retry(self, job: Job, *, owner: AbstractBaseUser) -> None:
        """dead → queued, if the file that it reads is still there."""
        if missing := missing_file(job):
            raise NotRetryableError(missing)
        super().retry(job, owner=owner)


def _files_of(job: Job) -> defaultdict[str, Artifact | None]:
    """The published files, by role. One query."""
    files = Artifact.objects.filter(job=job, role__in=[*FILES, Artifact.Role.BEFORE], published_at__isnull=False)
    return defaultdict(lambda: None, {artifact.role: artifact for artifact in files})


def undo_members(job: Job, images: Artifact | None) -> dict[str, Any]:
    """Where the upload can be undone, or the job that undoes it. One query, if it has images."""
    if images is None or job.state != State.SUCCEEDED:
        return {}
    if undone_by := undo_of(job):
        return {"undoneBy": str(undone_by)}
    return {"undoURL": reverse("upload-undo", args=[job.pk])} if is_available(images) else {}


UPLOADS = UploadResource()
