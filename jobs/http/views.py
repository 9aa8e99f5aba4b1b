"""The base class of all views of the API."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.http.conditional import answer_conditionally, refuse_long_fields
from jobs.http.limits import Limit, limit_headers
from jobs.http.preferences import RESPOND_ASYNC, prefers
from jobs.http.problems import ProblemError


class ApiView(APIView):
    """A resource of the API: one representation, errors as problems, no OPTIONS."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    #: Method → the scope or scopes that a token needs; None: the view checks them itself. HEAD is treated as GET.
    scopes: ClassVar[Mapping[str, str | tuple[str, ...] | None]] = {}
    #: The content codings of bodies that the view decodes itself.
    content_codings: ClassVar[Collection[str]] = ()
    #: Those of HEAD and OPTIONS that the schema describes.
    documented_methods: ClassVar[Collection[str]] = ()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        #: The client's remaining quotas, for the response headers.
        self.limits: list[Limit] = []
        #: The preferences of the request that were honoured, for `Preference-Applied` (RFC 7240 section 3).
        self.applied: list[str] = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate and authorize, then check the headers. Raises ProblemError (400, 415) for invalid headers."""
        super().initial(request, *args, **kwargs)
        refuse_long_fields(request)
        coding = request.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in ("", "identity", *self.content_codings):
            others = "".join(f", or as {known}" for known in self.content_codings)
            raise ProblemError(
                415,
                "unsupported-media-type",
                f"The body is sent as {coding!r}. Send it without Content-Encoding{others}.",
                headers={"Accept-Encoding": ", ".join(["identity", *self.content_codings])},  # RFC 9110 section 15.5.16
            )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the client's remaining quotas, and an ETag to a JSON representation."""
        final = super().finalize_response(request, response, *args, **kwargs)
        for name, value in limit_headers(self.limits).items():
            final[name] = value
        is_async = final.status_code == 202 and prefers(request, RESPOND_ASYNC)
        if applied := [*([RESPOND_ASYNC] if is_async else []), *self.applied]:
            final["Preference-Applied"] = ", ".join(applied)
        if isinstance(final, Response) and final.status_code == 200 and request.method in ("GET", "HEAD"):
            final.add_post_render_callback(partial(answer_conditionally, request._request))
        return final
