"""Adds to the OpenAPI schema what operations have in common: problems, headers, scopes, links.

A view documents only its own responses. With the rest from here, the schema names every possible response.
"""

from __future__ import annotations

import re
from typing import Any, Final

from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from jobs.api.openapi_bounds import bound_schema, operations
from jobs.http.conditional import LONGEST_LIST
from jobs.tokens.permissions import scopes_needed

_ID_IN_PATH: Final = re.compile(r"{\w+_id}")
PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}

#: Status → when any operation may answer with it.
ALWAYS: Final = {
    401: "`not-authenticated`: no valid token or session.",
    403: "`insufficient-scope`: the token lacks the scope. `permission-denied`: a session without its CSRF token.",
    429: "`throttled`: the token or session sent too many requests within a minute.",
    500: "`internal-error`: the server failed. You can send the request again.",
    503: "`database-unavailable`, `server-busy`: send the request again after `Retry-After`.",
}
WITH_ID: Final = {404: "`not-found`: no such resource exists, or it belongs to another user."}
WITH_BODY: Final = {
    400: "`malformed-body`: not JSON. `invalid-request`: `errors` says what is wrong.",
    408: "`request-timeout`: the rest of the body did not arrive in time.",
    411: "`length-required`: the body is chunked.",
    413: "`body-too-large`: the limit is in `detail`.",
    415: "`unsupported-media-type`: not JSON, not UTF-8, or compressed.",
}
WITH_PARAMETER: Final = {400: "`invalid-request`: `errors` names the parameter or header field that is not valid."}
WITH_ETAG: Final = {412: "`precondition-failed`: `If-Match` or `If-Unmodified-Since` does not hold."}

HEADERS: Final = {
    "Access-Control-Allow-Origin": "The origin of the requesting script, if an operator allows it.",
    "RateLimit": 'The rest of the quota: `"requests";r=599;t=12`, requests and seconds. Left out without a quota.',
    "RateLimit-Policy": 'The quotas: `"requests";q=600;w=60`, quota and window in seconds.',
    "Retry-After": "Seconds to wait before the next request.",
    "Preference-Applied": "The preferences of `Prefer` that were applied (RFC 7240): `respond-async, wait=10`.",
    "ETag": "The version of the resource; send it as `If-None-Match`.",
    "WWW-Authenticate": "The challenge of RFC 6750.",
}
#: Headers that any response may have.
OF_ALL: Final = ("Access-Control-Allow-Origin",)
#: Headers that a response may have unless it failed before the request was counted.
OF_COUNTED: Final = ("RateLimit", "RateLimit-Policy")
#: Status → headers of all its responses.
OF_STATUS: Final = {
    "202": ("Retry-After", "Preference-Applied"),
    "304": ("ETag", "Retry-After"),
    "401": ("WWW-Authenticate",),
    "403": ("WWW-Authenticate",),
    "409": ("Retry-After",),
    "412": ("ETag",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}

#: Methods whose responses have no body.
BODILESS: Final = ("head",)

#: The first part of a path below /api → the description of its tag.
TAGS: Final = {
    "callbacks": "Be notified when a job has ended.",
    "operations": "Any job, for clients of the long-running-operation pattern.",
    "report-types": "The types of reports that can be ordered.",
    "reports": "Order reports, follow them, download them.",
    "calls": "Order calls to slow services, follow them, get their results and steps.",
    "call-types": "The types of calls that can be ordered.",
    "upload-types": "The types of files that can be uploaded.",
    "uploads": "Upload files, follow them, mend what was rejected.",
    "tokens": "Tokens for programs.",
}

SERVER: Final = {
    "url": "https://{host}",
    "description": "Your production server.",
    "x-internal": False,
    "variables": {"host": {"default": "localhost:8000", "description": "host name, and port if it is not 443"}},
}

IF_NONE_MATCH: Final = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string", "maxLength": LONGEST_LIST},
    "description": "An earlier `ETag`: the response is 304 if nothing has changed.",
}


class Endpoints(EndpointEnumerator):
    """drf-spectacular's class, which leaves out HEAD and OPTIONS, with those that a view wants to have described."""

    def get_allowed_methods(self, callback: Any) -> list[str]:
        """Called for each view."""
        methods: list[str] = super().get_allowed_methods(callback)  # type: ignore[no-untyped-call]
        return [*methods, *getattr(callback.cls, "documented_methods", ())]


class ApiGenerator(SchemaGenerator):
    """drf-spectacular's class, with our endpoints."""

    endpoint_inspector_cls = Endpoints


class ApiSchema(AutoSchema):
    """drf-spectacular's class, with the scopes that a token needs."""

    def get_description(self) -> str:  # type: ignore[override]
        """Includes the scopes: linters do not take them in `security`, except for OAuth2 and OpenID Connect."""
        description: str = super().get_description()
        scopes = " and ".join(f"`{scope}`" for scope in self._scopes())
        return f"{description}\n\nA token needs the scope {scopes}." if scopes else description

    def get_extensions(self) -> dict[str, Any]:
        """The view's own extensions, and the scopes."""
        extensions: dict[str, Any] = super().get_extensions()
        return {**extensions, "x-required-scopes": scopes} if (scopes := self._scopes()) else extensions

    def _scopes(self) -> list[str]:
        return [scope for scope in scopes_needed(self.view, self.method) if scope]


def complete_schema(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """The last of drf-spectacular's postprocessing hooks."""
    result["paths"] = {_ID_IN_PATH.sub("{id}", path): item for path, item in result["paths"].items()}
    result["components"]["headers"] = {
        name: {"schema": {"type": "string"}, "description": text} for name, text in HEADERS.items()
    }
    for path, method, operation in operations(result):
        _name_ids(operation)
        _add_problems(operation, path, method)
        _add_headers(operation)
    _add_links(result)
    _add_tags(result)
    bound_schema(result)
    # The schema in a file must name a server; a schema that a server sends is relative to that server.
    result["servers"] = [{"url": "/"}] if request else [SERVER]
    if request is not None and not request.user.is_authenticated:
        _leave_out_examples(result)
    return result


def _name_ids(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path" and parameter["name"].endswith("_id"):
            parameter |= {"name": "id", "schema": {"type": "string", "format": "uuid"}}


def _add_problems(operation: dict[str, Any], path: str, method: str) -> None:
    described = dict(ALWAYS)
    described |= WITH_ID if "{" in path else {}
    places = {parameter["in"] for parameter in operation.get("parameters", [])}
    takes_preferences = any(parameter["name"] == "Prefer" for parameter in operation.get("parameters", []))
    described |= WITH_PARAMETER if method == "get" or "query" in places or takes_preferences else {}
    described |= WITH_BODY if "requestBody" in operation else {}
    sent = operation.get("requestBody", {}).get("content", {}).values()
    if any(body["schema"].get("format") == "binary" for body in sent):
        operation["requestBody"]["required"] = True  # a file may be empty, but is not left out
    responses = operation["responses"]
    if method == "get" and "200" in responses:
        described |= WITH_ETAG
        responses.setdefault("304", {"description": "Nothing has changed."})
        responses["200"].setdefault("headers", {}).setdefault("ETag", {"$ref": "#/components/headers/ETag"})
        operation.setdefault("parameters", []).append(IF_NONE_MATCH)
    for status, description in described.items():
        body = {} if method in BODILESS else {"content": {"application/json": {"schema": PROBLEM}}}
        own = responses.setdefault(str(status), body)
        if method in BODILESS:
            own.pop("content", None)
        own["description"] = " ".join(filter(None, [own.get("description"), description]))
    operation["responses"] = dict(sorted(responses.items()))
    for response in responses.values():
        content = response.get("content", {})
        if content.get("application/json", {}).get("schema") == PROBLEM:
            content["application/problem+json"] = content.pop("application/json")


def _add_headers(operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        counted = OF_COUNTED if status < "500" else ()
        for name in (*OF_ALL, *counted, *OF_STATUS.get(status, ())):
            response.setdefault("headers", {}).setdefault(name, {"$ref": f"#/components/headers/{name}"})


def _add_tags(result: dict[str, Any]) -> None:
    used = {tag for _, _, operation in operations(result) for tag in operation["tags"]}
    result["tags"] = [{"name": tag, "description": TAGS.get(tag, "")} for tag in sorted(used)]


def _leave_out_examples(result: dict[str, Any]) -> None:
    """Examples name report types, which only signed-in users may see."""
    for _, _, operation in operations(result):
        for part in (operation.get("requestBody", {}), *operation["responses"].values()):
            for content in part.get("content", {}).values():
                content.pop("examples", None)


def _add_links(result: dict[str, Any]) -> None:
    """Link each response that creates a resource to the operations on that resource."""
    for path, item in result["paths"].items():
        below = [
            operation["operationId"] for other, _, operation in operations(result) if other.startswith(f"{path}/{{id}}")
        ]
        made = item.get("post", {"responses": {}})["responses"]
        for status, names in (("201", below), ("202", [*below, "getOperation"])):
            if below and status in made:
                made[status]["links"] = {
                    name: {"operationId": name, "parameters": {"id": "$response.body#/id"}} for name in names
                }
