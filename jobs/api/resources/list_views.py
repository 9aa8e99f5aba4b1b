"""Order jobs of a kind, and list them: thin views."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.idempotency import IDEMPOTENCY_KEY, idempotency_of
from jobs.api.resources.filters import filter_jobs, list_query
from jobs.api.resources.resource import JobResource
from jobs.api.resources.view import ADMISSION_PROBLEMS, Operations, ResourceView, accepted_responses
from jobs.estimates.estimate import estimate_listed
from jobs.http.pagination import PAGES, NewestFirst
from jobs.http.schema import ACCEPTED_HEADERS, problem, response_header
from jobs.models import Job
from jobs.types.registry import UnknownTypeError

REPLAYED = response_header("Idempotency-Replayed", "`true`: an order with this key was accepted before.", of=[200, 202])


class JobListView(ResourceView):
    """`/api/reports`"""

    acts: ClassVar = {"GET": "read", "POST": "write"}

    @classmethod
    def operations(cls, resource: JobResource) -> Operations:
        """Order and list."""
        name = resource.kind.capitalize()
        reused = response_header(f"{name}-Reused", f"`true`: `reuse` found an equal {resource.kind}.", of=[200, 202])
        return {
            "post": {
                "operation_id": f"order{name}",
                "examples": [*resource.order_examples],
                "request": resource.Order,
                "parameters": [IDEMPOTENCY_KEY, *ACCEPTED_HEADERS, REPLAYED, reused],
                "responses": {
                    **accepted_responses(resource),
                    400: problem(f"`{resource.unknown_type[1]}`, `invalid-idempotency-key`."),
                    409: problem("`idempotency-key-in-use`: the first order with this key is still being handled."),
                    422: problem("`idempotency-key-reused`: the first order with this key had another body."),
                    **ADMISSION_PROBLEMS,
                },
            },
            "get": {
                "operation_id": f"list{name}s",
                "parameters": [list_query(resource.kind), *PAGES],
                "responses": {200: resource.Page, 404: problem("`not-found`: the cursor is not valid.")},
            },
        }

    def post(self, request: Request) -> Response:
        """Order {a_noun}."""
        try:
            placed = self.resource.ordering.place_order(
                owner=request.user,  # type: ignore[arg-type]
                data=request.data,
                idempotency=idempotency_of(request, kind=self.resource.kind),
            )
        except UnknownTypeError as error:
            raise self.unknown_type(request, error) from None
        response = self.accepted(request, placed.job, is_new=not (placed.is_replayed or placed.is_reused))
        if placed.is_replayed:
            response["Idempotency-Replayed"] = "true"
        if placed.is_reused:
            response[f"{self.resource.kind.capitalize()}-Reused"] = "true"
        return response

    def get(self, request: Request) -> Response:
        """My {nouns}, newest first."""
        pages = NewestFirst()
        mine = Job.objects.owned_by(request.user).filter(kind=self.resource.kind).with_result()  # type: ignore[arg-type]
        wanted = filter_jobs(mine, request.query_params, kind=self.resource.kind)
        page = pages.paginate_queryset(wanted, request, view=self) or []
        known = zip(page, estimate_listed(page), strict=True)
        shown = [self.resource.detail_body(job, estimate, in_list=True) for job, estimate in known]
        return pages.get_paginated_response(shown)
