"""Parse request bodies within limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, Final

from django.conf import settings
from django.http import UnreadablePostError
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

#: Nesting depth of objects and lists.
MOST_LEVELS: Final = 100


class BodyTooLargeError(APIException):
    """The body is larger than the limit."""

    status_code = 413
    default_code = "body-too-large"


class RequestTimeoutError(APIException):
    """The rest of the body did not arrive in time, so the connection can no longer be used."""

    status_code = 408
    default_code = "request-timeout"
    default_detail = "The rest of the body did not arrive in time."
    headers = {"Connection": "close"}


class BoundedJSONParser(BaseParser):
    """JSON (RFC 8259) of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes that PostgreSQL can store.

    Raises BodyTooLargeError, RequestTimeoutError if the body does not arrive, UnsupportedMediaType for any charset but
    UTF-8, and ParseError if the body is not JSON, is nested too deeply, repeats a key, or contains NUL or a lone
    surrogate.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        charset = parse_header_parameters(media_type or "")[1].get("charset", "utf-8")
        if charset.lower() not in ("utf-8", "utf8"):
            detail = f"JSON must be UTF-8 (RFC 8259 section 8.1), not {charset!r}."
            raise UnsupportedMediaType(str(media_type), detail)
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        try:
            body = stream.read(limit + 1)
        except UnreadablePostError:
            raise RequestTimeoutError from None
        if len(body) > limit:
            raise BodyTooLargeError(f"The body exceeds the limit of {limit} bytes.")
        return read_json(body)


def read_json(body: bytes) -> Any:
    """JSON that PostgreSQL can store and recursive code can walk. Raises ParseError (see `BoundedJSONParser`)."""
    try:
        data = json.loads(body.decode(), parse_constant=_refuse_constant, object_pairs_hook=_unique)
        if b"\\u" in body:
            _refuse_invalid_text(data)
        _refuse_depth(data, MOST_LEVELS)
    except RecursionError:
        raise ParseError("The JSON is nested too deeply.") from None
    except UnicodeEncodeError:
        raise ParseError("The JSON contains half of a surrogate pair.") from None
    except ValueError as error:
        raise ParseError(f"The body is not JSON: {error}.") from None
    return data


def _refuse_depth(data: Any, levels: int) -> None:
    if levels < 0:
        raise RecursionError
    for part in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        _refuse_depth(part, levels - 1)


def _refuse_invalid_text(data: Any) -> None:
    """Raise UnicodeEncodeError for a lone surrogate, ValueError for NUL: PostgreSQL stores neither."""
    written = json.dumps(data, ensure_ascii=False)
    written.encode()
    if "\\u0000" in written.replace("\\\\", ""):
        raise ValueError("NUL is not allowed in text")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not allowed")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key is repeated")
    return data
