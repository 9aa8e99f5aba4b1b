"""The timeline of a job for its owner. It shows neither which staff member did something nor the reason."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from jobs.models import Event, Job

#: A longer timeline is cut to its newest events.
LONGEST_TIMELINE = 200


class TimelineEvent(serializers.Serializer[Any]):
    """One event. `attempt` and `percent` are left out where they do not apply."""

    at = serializers.DateTimeField()
    event = serializers.ChoiceField(choices=Event.Name.values)
    attempt = serializers.IntegerField(required=False)
    percent = serializers.IntegerField(required=False)


def timeline(job: Job) -> list[dict[str, Any]]:
    """The events, oldest first. One query."""
    newest = list(job.events.order_by("-id")[:LONGEST_TIMELINE])
    return [
        {"at": event.at, "event": event.name}
        | {name: event.details[name] for name in ("attempt", "percent") if name in event.details}
        for event in reversed(newest)
    ]
