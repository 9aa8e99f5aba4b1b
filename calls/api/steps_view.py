"""The steps of a call, for its owner."""

from __future__ import annotations

import re
from typing import Final

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.bodies import StepPage, step_body
from calls.api.resource import CALLS
from calls.models import Step
from jobs.api.resources.view import ResourceView
from jobs.http.pagination import PAGES, NewestFirst
from jobs.http.schema import problem
from jobs.http.strict import read_query, refuse_unknown

#: Columns of a step that its owner sees; results, requests and answers may be large.
SHOWN: Final = ("job_id", "name", "outcome", "attempt", "duration_ms", "ended_at", "error_code", "error_message")
BIGINT: Final = re.compile(r"[1-9][0-9]{0,17}")


class OldestFirst(NewestFirst):
    """Pages of steps, in the order in which each first ended."""

    ordering = "id"

    def parse_position(self, text: str) -> int:
        """The id of a step. Raises ValueError."""
        if not BIGINT.fullmatch(text):
            raise ValueError(text)
        return int(text)


class CallStepsView(ResourceView):
    """`/api/calls/{id}/steps`"""

    resource = CALLS

    @extend_schema(
        operation_id="listCallSteps",
        parameters=[*PAGES],
        responses={200: StepPage, 404: problem("`not-found`: there is no such call, or the cursor is not valid.")},
    )
    def get(self, request: Request, job_id: str) -> Response:
        """The steps of a call that have ended, in the order in which each first ended."""
        job = self.get_job(request, job_id)
        refuse_unknown(read_query(request.query_params), {each.name for each in PAGES})
        pages = OldestFirst()
        page = pages.paginate_queryset(Step.objects.filter(job=job).only(*SHOWN), request, view=self) or []
        return pages.get_paginated_response([step_body(step) for step in page])
