"""A report that streams for as long as a test needs."""

from typing import Any

from rest_framework import serializers

from reports.types import SQL, ReportType, register


@register
class SlowRows(ReportType):
    """`rows` rows, each after `seconds`. Only the user `faults` may order it, so no other test sees it."""

    identifier = "slow-rows"
    title = "Slow rows"

    class Parameters(serializers.Serializer[Any]):
        rows = serializers.IntegerField()
        seconds = serializers.FloatField()

    def query(self, parameters: dict[str, Any], user: Any) -> SQL:
        return SQL(
            "SELECT number, repeat('x', 500) AS filler, pg_sleep(%s) AS nothing FROM generate_series(1, %s) AS number",
            [parameters["seconds"], parameters["rows"]],
        )

    def may_order(self, user: Any) -> bool:
        return bool(user.username == "faults")

    def estimate(self, parameters: dict[str, Any], user: Any) -> int:
        return int(parameters["rows"])
