"""The timeline of a job as its owner sees it: what happened when. Who of the staff did it, and why, stays with them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from jobs.models import Event, Job

#: Of a job with a long history, the newest lines.
LONGEST_TIMELINE = 200


class TimelineEvent(serializers.Serializer[Any]):
    """One line. `attempt` and `percent` stand where they apply."""

    at = serializers.DateTimeField()
    event = serializers.ChoiceField(choices=Event.Name.values)
    attempt = serializers.IntegerField(required=False)
    percent = serializers.IntegerField(required=False)


def timeline(job: Job) -> list[dict[str, Any]]:
    """Oldest first. One query."""
    newest = list(job.events.order_by("-id")[:LONGEST_TIMELINE])
    return [
        {"at": event.at, "event": event.name}
        | {name: event.details[name] for name in ("attempt", "percent") if name in event.details}
        for event in reversed(newest)
    ]
