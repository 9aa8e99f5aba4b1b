"""Reports that stream for as long as a test needs, or fail as it wants. Only the user `faults` may order them."""

from typing import Any

from rest_framework import serializers

from reports.types import SQL, ReportType, register


@register
class SlowRows(ReportType):
    """`rows` rows, each after `seconds`."""

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


@register
class Shares(ReportType):
    """Divides in the database: by 0 too, if it is told to."""

    identifier = "shares"
    title = "Shares"

    class Parameters(serializers.Serializer[Any]):
        divisor = serializers.IntegerField(help_text="What is shared is divided by it.")
        apiKey = serializers.CharField()

    def query(self, parameters: dict[str, Any], user: Any) -> SQL:
        return SQL("SELECT number / %s AS share FROM generate_series(1, 10) AS number", [parameters["divisor"]])

    def may_order(self, user: Any) -> bool:
        return bool(user.username == "faults")
