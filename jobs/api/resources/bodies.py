"""Serializers that document the bodies of a kind's resource in the schema. `JobResource` builds the bodies."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from jobs.api.timeline import TimelineEvent
from jobs.estimates.waiting_reasons import REASONS
from jobs.http.schema import Problem
from jobs.status import STATUS_WORDS


class WaitingReason(serializers.Serializer[Any]):
    """Why a queued job does not start yet."""

    code = serializers.ChoiceField(choices=[reason.code for reason in REASONS])
    detail = serializers.CharField()


class JobStatus(serializers.Serializer[Any]):
    """The status of an order. Members that do not apply, or are not known, are left out."""

    #: Replaces `job` in the names of `jobType` and `jobURL`.
    kind: ClassVar[str] = "job"

    id = serializers.UUIDField()
    jobType = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUS_WORDS)
    estimatedTimeRemaining = serializers.CharField(required=False, help_text="such as `120 seconds`")
    estimatedSecondsRemaining = serializers.IntegerField(
        required=False, help_text="until it ends, including its wait if it is queued"
    )
    progress = serializers.IntegerField(min_value=0, max_value=100, required=False)
    rowsProcessed = serializers.IntegerField(required=False)
    rowsTotal = serializers.IntegerField(required=False, allow_null=True)
    queuePosition = serializers.IntegerField(required=False, allow_null=True)
    estimatedWaitSeconds = serializers.IntegerField(required=False, help_text="until it starts, at the current pace")
    attempt = serializers.IntegerField(required=False)
    retryAt = serializers.DateTimeField(
        required=False, help_text="time of the next attempt after a failure or postponement"
    )
    waitingFor = serializers.CharField(required=False, help_text="why it was postponed")
    waitingReason = WaitingReason(required=False, help_text="why it does not start yet")
    cancelURL = serializers.CharField(required=False, help_text="send DELETE to cancel it")
    jobURL = serializers.CharField(required=False)
    rowCount = serializers.IntegerField(required=False)
    sizeBytes = serializers.IntegerField(required=False)
    sha256 = serializers.CharField(required=False)
    encoding = serializers.CharField(required=False)
    error = Problem(required=False)
    retryable = serializers.BooleanField(required=False)
    createdAt = serializers.DateTimeField()
    startedAt = serializers.DateTimeField(required=False, allow_null=True)
    updatedAt = serializers.DateTimeField(required=False)
    completedAt = serializers.DateTimeField(required=False)
    expiresAt = serializers.DateTimeField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """The fields, by the names that clients see."""
        named = {"jobType": f"{self.kind}Type", "jobURL": f"{self.kind}URL"}
        return {named.get(name, name): field for name, field in super().get_fields().items()}


class Ordered(serializers.Serializer[Any]):
    """Members of the order that the detail and the list show."""

    parameters = serializers.DictField()


class Detail(serializers.Serializer[Any]):
    """The status, the order and the timeline, which a list leaves out."""

    statusURL = serializers.CharField()
    timeline = TimelineEvent(many=True, required=False)


class Page(serializers.Serializer[Any]):
    """One page of a list; `next` and `previous` are URLs."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class TypeBody(serializers.Serializer[Any]):
    """A type of jobs."""

    identifier = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    parameters = serializers.DictField(help_text="JSON Schema (2020-12) of the order's `parameters`")
    url = serializers.CharField()


def page_of(item: type[serializers.Serializer[Any]], *, name: str) -> type[Page]:
    """The body of a page of items, called `name` in the schema."""
    return type(name, (Page,), {"__doc__": Page.__doc__, "results": item(many=True)})


def types_of(kind: str, base: type[TypeBody]) -> tuple[type[TypeBody], type[serializers.Serializer[Any]]]:
    """The bodies of a type of this kind, and of the list of these types."""
    name = f"{kind.capitalize()}Type"
    article = "An" if kind[0] in "aeiou" else "A"
    body = type(f"{name}Body", (base,), {"__doc__": f"{article} {kind} type."})
    listed = {"__doc__": f"All {kind} types that the user may order.", "results": body(many=True)}
    return body, type(f"{name}ListBody", (serializers.Serializer,), listed)
