"""A report in the queue `team-a`, which only QUEUES declares."""

from typing import Any

from rest_framework import serializers

from reports.types import SQL, ReportType, register


@register
class TeamNumbers(ReportType):
    """Ten rows."""

    identifier = "team-numbers"
    title = "Numbers of the team"
    queue = "team-a"

    class Parameters(serializers.Serializer[Any]):
        pass

    def query(self, parameters: dict[str, Any], user: Any) -> SQL:
        return SQL("SELECT number FROM generate_series(1, 10) AS number", [])
