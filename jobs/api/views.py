"""What all views of the API have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.views import APIView

from jobs.api.problems import ProblemError


class ApiView(APIView):
    """A resource of the API: one representation, errors as problems, no OPTIONS."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    #: Method → scope that a token needs for it. HEAD is as GET.
    scopes: ClassVar[Mapping[str, str]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who asks, and whether they may; then whether the body can be read at all. Raises ProblemError (415)."""
        super().initial(request, *args, **kwargs)
        coding = request.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in ("", "identity"):
            raise ProblemError(
                415,
                "unsupported-media-type",
                f"The body is sent as {coding!r}. Send it without Content-Encoding.",
                headers={"Accept-Encoding": "identity"},  # RFC 9110 section 15.5.16
            )
