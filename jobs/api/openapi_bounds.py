"""Adds missing bounds to the OpenAPI schema, because generators and validators of clients rely on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings

#: Format → greatest length in characters.
LONGEST: Final = {"uuid": 36, "date": 10, "date-time": 40, "uri": 8000}
#: Characters of a header field, or of a part of the URL: gunicorn reads 8,190 bytes of each line.
LONGEST_IN_HEAD: Final = 8000
#: Integers that every JSON parser reads exactly (RFC 8259 section 6).
LARGEST_INTEGER: Final = 2**53 - 1
#: Items of a list in a response. A page has at most 200 items, a preview at most 1,664 columns.
MOST_ITEMS: Final = 10_000


def bound_schema(result: dict[str, Any]) -> None:
    """Add the missing bounds. A request gets no bound that the server does not enforce."""
    for name, schema in result["components"]["schemas"].items():
        _bound(schema, is_sent=name.endswith("Request"))
    for header in result["components"]["headers"].values():
        _bound(header["schema"], is_sent=False, longest=LONGEST_IN_HEAD)
    for _, _, operation in operations(result):
        for parameter in operation.get("parameters", []):
            _bound(parameter["schema"], is_sent=True, longest=LONGEST_IN_HEAD)
        for response in operation["responses"].values():
            for header in response.get("headers", {}).values():
                _bound(header.get("schema", {}), is_sent=False, longest=LONGEST_IN_HEAD)


def _bound(schema: dict[str, Any], *, is_sent: bool, longest: int | None = None) -> None:
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if "string" in types and not schema.keys() & {"enum", "const"}:
        # No text is longer than a whole body.
        any_text = longest or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        schema.setdefault("maxLength", LONGEST.get(schema.get("format", ""), any_text))
    if "integer" in types and not schema.keys() & {"enum", "const"}:
        schema.setdefault("format", "int64")
        if not is_sent:
            schema.setdefault("minimum", 0)
            schema.setdefault("maximum", LARGEST_INTEGER)
    if "array" in types and not is_sent:
        schema.setdefault("maxItems", MOST_ITEMS)
    for part in _parts(schema):
        _bound(part, is_sent=is_sent, longest=longest)


def _parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from schema.get("properties", {}).values()
    for word in ("oneOf", "anyOf", "allOf"):
        yield from schema.get(word, [])
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield schema[word]


def operations(result: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each operation."""
    for path, item in result["paths"].items():
        for method, operation in item.items():
            yield path, method, operation
