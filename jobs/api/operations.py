"""A job as a long-running operation, for clients that know this pattern.

The shape is that of https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md
(section "Long-running operations with status monitor").
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.lookup import get_job_beside, job_beside
from jobs.api.polling import POLL_PROBLEMS, Question, answer_poll
from jobs.api.status import error_of
from jobs.http.views import ApiView
from jobs.kinds import ALL_SCOPES, find_kind
from jobs.models import Job
from jobs.states import State
from jobs.status import WORDS, status_word
from jobs.tokens.permissions import require_scopes

OPERATION_STATES = ("NotStarted", "Running", "Succeeded", "Failed", "Canceled")


class OperationError(serializers.Serializer[Any]):
    """Why an operation failed."""

    code = serializers.CharField()
    message = serializers.CharField()


class Operation(serializers.Serializer[Any]):
    """A job as a long-running operation."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=OPERATION_STATES)
    percentComplete = serializers.IntegerField()
    createdDateTime = serializers.DateTimeField()
    lastActionDateTime = serializers.DateTimeField()
    resourceLocation = serializers.URLField(required=False)
    error = OperationError(required=False)


class OperationView(ApiView):
    """`GET /api/operations/{id}`"""

    scopes = {"GET": None}  # depends on the kind: `get` checks it

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The job is read with the token."""
        self.beside = job_beside(kwargs["job_id"], kind=None, question=Question.OPERATION)
        super().initial(request, *args, **kwargs)

    @extend_schema(operation_id="getOperation", responses={200: Operation, **POLL_PROBLEMS})
    def get(self, request: Request, job_id: str) -> Response:
        """The state of one job."""
        job = get_job_beside(self, request, job_id, kind=None)
        kind = find_kind(job.kind)
        require_scopes(request, kind.scopes.read if kind else ALL_SCOPES)
        return answer_poll(self, job, Question.OPERATION, lambda _: operation_body(request, job))


def operation_body(request: Request, job: Job) -> dict[str, Any]:
    """The operation resource of a job."""
    body: dict[str, Any] = {
        "id": str(job.pk),
        "status": WORDS[State(job.state)].operation,
        "percentComplete": job.progress_percent,
        "createdDateTime": job.created_at,
        "lastActionDateTime": job.updated_at,
    }
    if status_word(job, job.result_artifact) == "Complete":
        kind = find_kind(job.kind)
        if kind and (path := kind.url_of_result(job)):
            body["resourceLocation"] = request.build_absolute_uri(path)
    if job.state == State.DEAD:
        error = error_of(job)
        body["error"] = {"code": error["code"], "message": error["detail"]}
    return body
