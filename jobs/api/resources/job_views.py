"""One job of a kind: its status, its file, and its owner's actions. Thin views."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.download import FILE_HEADERS, RANGE_HEADERS, artifact_response
from jobs.api.lookup import get_canceled, get_requeued
from jobs.api.polling import POLL_PROBLEMS, Question, answer_poll
from jobs.api.resources.resource import JobResource
from jobs.api.resources.view import ADMISSION_PROBLEMS, Operations, ResourceView, accepted_responses
from jobs.api.status import retry_after
from jobs.errors import ArtifactError, TransitionError
from jobs.estimates.estimate import estimate
from jobs.http.problems import ProblemError
from jobs.http.schema import ACCEPTED_HEADERS, problem
from jobs.interventions.purging import purge_or_cancel
from jobs.interventions.retrying import NotRetryableError
from jobs.models import Job
from jobs.status import status_word


class JobView(ResourceView):
    """`/api/reports/{id}`"""

    acts: ClassVar = {"GET": "read", "DELETE": "write"}
    question = Question.RESOURCE

    @classmethod
    def operations(cls, resource: JobResource) -> Operations:
        """Read, cancel or delete."""
        name = resource.kind.capitalize()
        return {
            "get": {"operation_id": f"get{name}", "responses": {200: resource.Detail, **POLL_PROBLEMS}},
            "delete": {
                "operation_id": f"delete{name}",
                "parameters": [*ACCEPTED_HEADERS],
                "responses": {
                    **accepted_responses(resource),
                    204: OpenApiResponse(description="It was deleted with its file."),
                },
            },
        }

    def get(self, request: Request, job_id: str) -> Response:
        """One {noun}: its status, its order and its timeline."""
        job = self.get_job(request, job_id)
        return answer_poll(self, job, Question.RESOURCE, partial(self.resource.detail_body, job))

    def delete(self, request: Request, job_id: str) -> Response:
        """Cancel {a_noun} that is active (202; poll its status), or delete one that has ended, with its file (204).

        {A_noun} that ends just before the request arrives is deleted, even if the request was meant to cancel it.
        """
        job = self.get_job(request, job_id)
        if purge_or_cancel(job.pk, actor=request.user.get_username()):
            return Response(status=204)
        return self.accepted(request, get_canceled(request, job))


class JobRetryView(ResourceView):
    """`/api/reports/{id}/retry`"""

    acts: ClassVar = {"POST": "write"}

    @classmethod
    def operations(cls, resource: JobResource) -> Operations:
        """Retry."""
        refused = problem("`not-failed`, or `not-retryable`: its type or parameters are no longer accepted.")
        return {
            "post": {
                "operation_id": f"retry{resource.kind.capitalize()}",
                "request": None,
                "parameters": [*ACCEPTED_HEADERS],
                "responses": {**accepted_responses(resource), 409: refused, **ADMISSION_PROBLEMS},
            }
        }

    def post(self, request: Request, job_id: str) -> Response:
        """Retry a failed {noun}, with the parameters of its order."""
        job = self.get_job(request, job_id)
        try:
            self.resource.retry(job, owner=request.user)  # type: ignore[arg-type]
        except TransitionError:
            refusal = f"Only a failed {job.kind} can be retried; this one is {status_word(job, job.result_artifact)}."
            raise ProblemError(409, "not-failed", refusal) from None
        except NotRetryableError as error:
            raise ProblemError(409, "not-retryable", str(error)) from None
        return self.accepted(request, get_requeued(request, job))


class JobStatusView(ResourceView):
    """`/api/reports/{id}/status`"""

    question = Question.STATUS

    @classmethod
    def operations(cls, resource: JobResource) -> Operations:
        """Poll."""
        return {
            "get": {
                "operation_id": f"get{resource.kind.capitalize()}Status",
                "examples": [*resource.status_examples],
                "responses": {200: resource.Status, **POLL_PROBLEMS},
            }
        }

    def get(self, request: Request, job_id: str) -> Response:
        """The progress of {a_noun}. Poll again after `Retry-After` seconds, until a response lacks this header."""
        job = self.get_job(request, job_id)
        return answer_poll(self, job, Question.STATUS, partial(self.resource.status_body, job))


class JobDownloadView(ResourceView):
    """`/api/reports/{id}/download`"""

    @classmethod
    def operations(cls, resource: JobResource) -> Operations:
        """Download."""
        files = {(status, type): OpenApiTypes.BINARY for status in (200, 206) for type in resource.content_types}  # noqa: A001
        return {
            "get": {
                "operation_id": f"download{resource.kind.capitalize()}",
                "parameters": [*RANGE_HEADERS, *FILE_HEADERS],
                "responses": {
                    **files,
                    409: problem(
                        f"`not-ready`: try again after `Retry-After`. `{resource.failed[1]}`: its status says why."
                    ),
                    410: problem("`canceled`, `expired` or `file-lost`: order it again."),
                    416: problem("`range-not-satisfiable`: the range begins after the end of the file."),
                    503: problem("`storage-unavailable`: try again after `Retry-After`."),
                },
            }
        }

    def get(self, request: Request, job_id: str) -> HttpResponseBase:
        """The file. An interrupted download can be resumed with `Range`."""
        job = self.get_job(request, job_id)
        artifact = job.result_artifact
        match status_word(job, artifact):
            case "Complete":
                return self.result(request, job)
            case "Failed":
                status, code = self.resource.failed
                raise ProblemError(status, code, f"The {job.kind} failed; its status says why.")
            case "Canceled":
                raise ProblemError(410, "canceled", f"The {job.kind} was canceled.")
            case "Expired":
                raise ProblemError(410, "expired", "The file has expired. Order it again.")
            case _:
                wait = retry_after(job, estimate(job), timezone.now())
                raise ProblemError(409, "not-ready", f"The {job.kind} is not complete yet.", retry_after=wait)

    def result(self, request: Request, job: Job) -> HttpResponseBase:
        """The file of a complete job. Raises ProblemError (410) if it is lost, and those of `artifact_response`."""
        lost = "The file is missing from the storage, or damaged. Order it again."
        if job.result_artifact is None:
            raise ProblemError(410, "file-lost", lost)
        try:
            return artifact_response(request._request, job.result_artifact)
        except ArtifactError:
            raise ProblemError(410, "file-lost", lost) from None
