"""Rows out of nothing, for measuring memory."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from rest_framework import serializers

from reports.types import SQL, ReportType, register


@register
class Wide(ReportType):
    """About 120 bytes a row, text mostly; generated as it is read, with no table behind it."""

    identifier = "bench-wide"
    title = "Benchmark rows"

    class Parameters(serializers.Serializer[Any]):
        """How many."""

        rows = serializers.IntegerField(min_value=0)

    def query(self, parameters: dict[str, Any], user: AbstractBaseUser) -> SQL:
        """A set-returning function in the select list is not materialised, as one in FROM would be."""
        return SQL(
            """
            SELECT i AS number, md5(i::text) AS hash, 'customer ' || i AS name, i * 1.5 AS amount,
                   'a note with a comma, and a "quote"' AS note
            FROM (SELECT generate_series(1, %(rows)s) AS i) AS numbers
            """,
            parameters,
        )
