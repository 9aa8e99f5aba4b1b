"""The types of a kind that a user may order: thin views."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.resources.resource import JobResource
from jobs.api.resources.view import Operations, ResourceView
from jobs.http.problems import ProblemError
from jobs.types.registry import UnknownTypeError


class TypeListView(ResourceView):
    """`/api/report-types`"""

    @classmethod
    def operations(cls, resource: JobResource) -> Operations:
        """List."""
        name = resource.kind.capitalize()
        return {"get": {"operation_id": f"list{name}Types", "responses": {200: resource.Types}}}

    def get(self, request: Request) -> Response:
        """The {noun} types that I may order."""
        orderable = self.resource.types.orderable_by(request.user)
        return Response({"results": [self.resource.type_body(known) for known in orderable]})


class TypeView(ResourceView):
    """`/api/report-types/{identifier}`"""

    @classmethod
    def operations(cls, resource: JobResource) -> Operations:
        """Read."""
        return {"get": {"operation_id": f"get{resource.kind.capitalize()}Type", "responses": {200: resource.Type}}}

    def get(self, request: Request, identifier: str) -> Response:
        """One {noun} type."""
        try:
            return Response(self.resource.type_body(self.resource.types.get(identifier, request.user)))
        except UnknownTypeError:
            raise ProblemError(404, "not-found", "There is no such resource.") from None
