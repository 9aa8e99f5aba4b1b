"""docs/openapi.yaml: what `make spectral` asks for, for machines that have no Node.js."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from config.stack.datafolder import BASE_DIR

SCHEMA: dict[str, Any] = yaml.safe_load((BASE_DIR / "docs" / "openapi.yaml").read_text())
OPERATIONS = [operation for item in SCHEMA["paths"].values() for operation in item.values()]


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
    assert len(list(schemas(SCHEMA))) > 200
    return [
        path
        for path, schema in schemas(SCHEMA)
        for word in ([schema["type"]] if isinstance(schema["type"], str) else schema["type"])
        if not schema.keys() & {"enum", "const"} and needed.get(word, set()) - schema.keys()
    ]


def test_every_string_integer_and_array_has_bounds() -> None:
    assert unbounded() == []


def test_tags_servers_and_contact_are_there() -> None:
    told = {tag["name"]: tag["description"] for tag in SCHEMA["tags"]}
    assert {tag for operation in OPERATIONS for tag in operation["tags"]} == set(told)
    assert all(told.values())
    [server] = SCHEMA["servers"]
    assert server["url"].startswith("https://")
    assert SCHEMA["info"]["contact"]
    assert SCHEMA["info"]["license"]["name"] == "MIT"


def test_each_operation_says_what_a_token_needs() -> None:
    for operation in OPERATIONS:
        assert {"bearer": []} in operation["security"]
        for scope in operation.get("x-required-scopes", []):
            assert f"`{scope}`" in operation["description"]
    assert sum("x-required-scopes" in operation for operation in OPERATIONS) > 15


def test_each_operation_says_that_the_server_may_have_no_time_or_no_database() -> None:
    for operation in OPERATIONS:
        response = operation["responses"]["503"]
        assert {"`database-unavailable`", "`server-busy`"} <= set(re.findall("`[a-z-]+`", response["description"]))
        assert response["headers"]["Retry-After"] == {"$ref": "#/components/headers/Retry-After"}
        assert list(response["content"]) == ["application/problem+json"]


def test_limits_and_cors_are_told_of_every_response() -> None:
    for operation in OPERATIONS:
        for status, response in operation["responses"].items():
            assert "Access-Control-Allow-Origin" in response["headers"]
            assert ("RateLimit" in response["headers"]) == (status < "500")
