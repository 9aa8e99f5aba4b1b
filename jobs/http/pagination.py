"""Pagination of job lists."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

#: DRF's cursors are Base64.
CURSOR: Final = re.compile(r"[A-Za-z0-9+/=_-]{1,500}")
NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")


class NewestFirst(CursorPagination):
    """Pages by id, newest first: a UUIDv7 grows with time."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int:
        """The `limit` of the request. Raises ValidationError for an invalid one, which DRF would ignore."""
        texts = request.query_params.getlist("limit", [str(self.page_size)])
        if len(texts) != 1 or not NUMBER.fullmatch(texts[0]) or int(texts[0]) > self.max_page_size:
            raise ValidationError({"limit": [f"It must be a single number from 1 to {self.max_page_size}."]})
        return int(texts[0])

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The cursor of the request. Raises NotFound for malformed ones, too, many of which DRF would accept."""
        if not CURSOR.fullmatch(request.query_params.get("cursor", "none")):
            raise NotFound(self.invalid_cursor_message)
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            try:
                self.parse_position(str(cursor.position))
            except ValueError:
                raise NotFound(self.invalid_cursor_message) from None
        return cursor

    def parse_position(self, text: str) -> object:
        """The id in a cursor. Raises ValueError for one that no cursor of ours has."""
        return UUID(text)


#: For the schema.
PAGES: Final = (
    OpenApiParameter(
        "cursor",
        {"type": "string", "maxLength": 500, "pattern": "^[A-Za-z0-9+/=_-]+$"},
        description="From `next` or `previous`.",
    ),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": NewestFirst.max_page_size},
        description=f"Maximum number of results per page; {NewestFirst.page_size} by default.",
    ),
)
