"""The files that an upload leaves: its rejected rows, and what became of each row."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from jobs.api.download import FILE_HEADERS, RANGE_HEADERS, artifact_response
from jobs.api.resources.view import ResourceView
from jobs.api.status import retry_after
from jobs.errors import ArtifactError
from jobs.estimates.estimate import estimate
from jobs.http.problems import ProblemError
from jobs.http.schema import problem
from jobs.models import Artifact
from jobs.states import State
from jobs.status import has_ended, is_available
from uploads.api.resource import UPLOADS

_RESPONSES: Final[dict[Any, Any]] = {
    (200, "text/csv"): OpenApiTypes.BINARY,
    (206, "text/csv"): OpenApiTypes.BINARY,
    404: problem("The upload has no such file."),
    409: problem("`not-ready`: try again after `Retry-After`."),
    410: problem("`canceled`, `expired` or `file-lost`: upload it again."),
    416: problem("`range-not-satisfiable`: the range begins after the end of the file."),
    503: problem("`storage-unavailable`: try again after `Retry-After`."),
}


class UploadFileView(ResourceView):
    """A file of an upload, by its role."""

    role: ClassVar[str]
    #: Why an upload may have no such file.
    missing: ClassVar[str]

    def file(self, request: Request, job_id: str) -> HttpResponseBase:
        """The file. Raises Http404 and ProblemError."""
        job = self.get_job(request, job_id)
        if not has_ended(job):
            wait = retry_after(job, estimate(job), timezone.now())
            raise ProblemError(409, "not-ready", "The upload is not complete yet.", retry_after=wait)
        if job.state == State.CANCELLED:
            raise ProblemError(410, "canceled", "The upload was canceled.")
        artifact = Artifact.objects.filter(job=job, role=self.role, published_at__isnull=False).first()
        if artifact is None:
            raise ProblemError(404, "not-found", self.missing)
        if not is_available(artifact):
            raise ProblemError(410, "expired", "The file has expired. Upload it again.")
        try:
            return artifact_response(request._request, artifact)
        except ArtifactError:
            lost = "The file is missing from the storage, or damaged. Upload it again."
            raise ProblemError(410, "file-lost", lost) from None


class UploadErrorsView(UploadFileView):
    """`/api/uploads/{id}/errors`"""

    resource = UPLOADS
    role = Artifact.Role.ERRORS
    missing = "The upload has no rejected rows."

    @extend_schema(
        operation_id="downloadUploadErrors", parameters=[*RANGE_HEADERS, *FILE_HEADERS], responses=_RESPONSES
    )
    def get(self, request: Request, job_id: str) -> HttpResponseBase:
        """The rejected rows in their order: their own columns first, then line and reason.

        Correct them, and upload that very file.
        """
        return self.file(request, job_id)


class UploadResultsView(UploadFileView):
    """`/api/uploads/{id}/results`"""

    resource = UPLOADS
    role = Artifact.Role.RESULTS
    missing = "The upload has no file of results."

    @extend_schema(
        operation_id="downloadUploadResults", parameters=[*RANGE_HEADERS, *FILE_HEADERS], responses=_RESPONSES
    )
    def get(self, request: Request, job_id: str) -> HttpResponseBase:
        """What became of each row."""
        return self.file(request, job_id)
