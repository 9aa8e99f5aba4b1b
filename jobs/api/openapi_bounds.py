"""Bounds of everything in the OpenAPI schema that has none: generators and validators of clients rely on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings

#: Format → characters of its longest text.
LONGEST: Final = {"uuid": 36, "date": 10, "date-time": 40, "uri": 8000}
#: Characters of a header field of a response, or of a part of the URL: gunicorn reads 8,190 bytes of each line.
LONGEST_IN_HEAD: Final = 8000
#: Integers that every JSON parser reads exactly (RFC 8259 section 6).
LARGEST_INTEGER: Final = 2**53 - 1
#: Of a list in a response. Pages have 200 items at most, previews 1,664 columns.
MOST_ITEMS: Final = 10_000


def bound_schema(result: dict[str, Any]) -> None:
    """Add what is missing. A request gets no bound that the server does not hold."""
    for name, schema in result["components"]["schemas"].items():
        _bound(schema, is_sent=name.endswith("Request"))
    for header in result["components"]["headers"].values():
        _bound(header["schema"], is_sent=False, longest=LONGEST_IN_HEAD)
    for parameter in _parameters(result):
        _bound(parameter["schema"], is_sent=True, longest=LONGEST_IN_HEAD)
    for header in _response_headers(result):
        if "schema" in header:
            _bound(header["schema"], is_sent=False, longest=LONGEST_IN_HEAD)


def _bound(schema: dict[str, Any], *, is_sent: bool, longest: int | None = None) -> None:
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if "string" in types and not schema.keys() & {"enum", "const"}:
        # The body as a whole is no longer.
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
    """Path, method and description of each."""
    for path, item in result["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _parameters(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for _, _, operation in operations(result):
        yield from operation.get("parameters", [])


def _response_headers(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for _, _, operation in operations(result):
        for response in operation["responses"].values():
            yield from response.get("headers", {}).values()
