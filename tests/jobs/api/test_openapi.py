"""docs/openapi.yaml: what `make spectral` asks for, for machines that have no Node.js."""

import re
from collections.abc import Iterator
from typing import Any

from tests.support.openapi import documented, documented_operations


def schemas(part: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that has a `type`, with its place; no examples, and no bodies that are files."""
    if isinstance(part, dict):
        if isinstance(part.get("type"), str | list) and "in" not in part:
            yield path, part
        for name, below in part.items():
            if name not in ("example", "examples") and below != {"type": "string", "format": "binary"}:
                yield from schemas(below, f"{path}/{name}")
    elif isinstance(part, list):
        for index, below in enumerate(part):
            yield from schemas(below, f"{path}/{index}")


def unbounded() -> list[str]:
    needed = {"string": {"maxLength"}, "integer": {"format", "minimum", "maximum"}, "array": {"maxItems"}}
    assert len(list(schemas(documented()))) > 200
    return [
        path
        for path, schema in schemas(documented())
        for word in ([schema["type"]] if isinstance(schema["type"], str) else schema["type"])
        if not schema.keys() & {"enum", "const"} and needed.get(word, set()) - schema.keys()
    ]


def test_every_string_integer_and_array_has_bounds() -> None:
    assert unbounded() == []


def test_tags_servers_and_contact_are_there() -> None:
    told = {tag["name"]: tag["description"] for tag in documented()["tags"]}
    assert {tag for operation in documented_operations() for tag in operation["tags"]} == set(told)
    assert all(told.values())
    [server] = documented()["servers"]
    assert server["url"].startswith("https://")
    assert documented()["info"]["contact"]
    assert documented()["info"]["license"]["name"] == "MIT"


def test_each_operation_says_what_a_token_needs() -> None:
    for operation in documented_operations():
        assert {"bearer": []} in operation["security"]
        for scope in operation.get("x-required-scopes", []):
            assert f"`{scope}`" in operation["description"]
    assert sum("x-required-scopes" in operation for operation in documented_operations()) > 15


def test_each_operation_says_that_the_server_may_have_no_time_or_no_database() -> None:
    for item in documented()["paths"].values():
        for method, operation in item.items():
            response = operation["responses"]["503"]
            assert {"`database-unavailable`", "`server-busy`"} <= set(re.findall("`[a-z-]+`", response["description"]))
            assert response["headers"]["Retry-After"] == {"$ref": "#/components/headers/Retry-After"}
            body = [] if method == "head" else ["application/problem+json"]
            assert list(response.get("content", ())) == body


def test_limits_and_cors_are_told_of_every_response() -> None:
    for operation in documented_operations():
        for status, response in operation["responses"].items():
            assert "Access-Control-Allow-Origin" in response["headers"]
            assert ("RateLimit" in response["headers"]) == (status < "500")
