"""`POST /api/uploads/{id}/undo`"""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.idempotency import IDEMPOTENCY_KEY, key_of
from jobs.api.resources.list_views import REPLAYED
from jobs.api.resources.view import ADMISSION_PROBLEMS, ResourceView, accepted_responses
from jobs.dispatch.idempotency import Idempotency
from jobs.http.problems import ProblemError
from jobs.http.schema import ACCEPTED_HEADERS, problem
from jobs.types.registry import UnknownTypeError
from uploads.api.resource import UPLOADS
from uploads.ordering import KIND
from uploads.undo.ordering import UndoRefusedError, place_undo


class UploadUndoView(ResourceView):
    """`/api/uploads/{id}/undo`"""

    resource = UPLOADS
    acts: ClassVar = {"POST": "write"}

    @extend_schema(
        operation_id="undoUpload",
        request=None,
        parameters=[IDEMPOTENCY_KEY, *ACCEPTED_HEADERS, REPLAYED],
        responses={
            **accepted_responses(UPLOADS),
            400: problem("`unknown-upload-type`: you may no longer upload this type. `invalid-idempotency-key`."),
            409: problem(
                "`not-complete`, `already-undone` (with `undoneBy`), `nothing-to-undo`, `not-undoable`, "
                "`idempotency-key-in-use`."
            ),
            410: problem("`expired`: the old values of the rows were deleted after their retention time."),
            422: problem("`idempotency-key-reused`: the first order with this key was another one."),
            **ADMISSION_PROBLEMS,
        },
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Undo an upload: restore the rows that it updated, and delete those that it inserted.

        Rows that were changed since stay as they are, and are listed in the results of the undo, which is an upload of
        its own. An upload can be undone once.
        """
        job = self.get_job(request, job_id)
        key = key_of(request)
        idempotency = None if key is None else Idempotency.of(key, kind=KIND, body={"undoes": str(job.pk)})
        try:
            placed = place_undo(owner=request.user, upload=job, idempotency=idempotency)  # type: ignore[arg-type]
        except UnknownTypeError as error:
            raise self.unknown_type(request, error) from None
        except UndoRefusedError as error:
            facts: dict[str, Any] = {"undoneBy": str(error.undone_by)} if error.undone_by else {}
            raise ProblemError(error.status, error.code, str(error), **facts) from None
        response = self.accepted(request, placed.job, is_new=not placed.is_replayed)
        if placed.is_replayed:
            response["Idempotency-Replayed"] = "true"
        return response
