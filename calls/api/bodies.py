"""Serializers that document the bodies of calls in the schema."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from calls.models import Step
from jobs.api.resources.bodies import JobStatus

#: Members of every kind's status that a call does not have.
OF_ROWS: Final = ("rowsProcessed", "rowsTotal", "rowCount", "encoding")


class CallStatus(JobStatus):
    """Counts steps, where other kinds count rows."""

    stepsDone = serializers.IntegerField(required=False)
    stepsTotal = serializers.IntegerField(
        required=False, allow_null=True, help_text="null while it is not known; it may grow while the call runs"
    )
    sizeBytes = serializers.IntegerField(required=False, help_text="of a large result, which is a file")
    sha256 = serializers.CharField(required=False, help_text="of a large result, which is a file")
    expiresAt = serializers.DateTimeField(required=False, help_text="of a large result, which is a file")

    def get_fields(self) -> dict[str, Any]:
        """Without the members that count rows."""
        return {name: field for name, field in super().get_fields().items() if name not in OF_ROWS}


class StepError(serializers.Serializer[Any]):
    """Why a step failed."""

    code = serializers.CharField()
    detail = serializers.CharField(required=False)


class StepBody(serializers.Serializer[Any]):
    """One step of a call."""

    name = serializers.CharField(help_text="unique within the call; a step of an item begins with the item's name")
    outcome = serializers.ChoiceField(
        choices=Step.Outcome.choices,
        help_text="`refused`: failed for good, but the call continues; `failed`: tried again in the next attempt",
    )
    attempt = serializers.IntegerField(help_text="the number of the attempt that ended it")
    durationSeconds = serializers.FloatField(help_text="without waiting for the turn of the remote host")
    endedAt = serializers.DateTimeField()
    error = StepError(required=False)


class StepPage(serializers.Serializer[Any]):
    """One page of steps."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = StepBody(many=True)


def step_body(step: Step) -> dict[str, Any]:
    """One step, without requests, answers and internals."""
    body: dict[str, Any] = {
        "name": step.name,
        "outcome": step.outcome,
        "attempt": step.attempt,
        "durationSeconds": step.duration_ms / 1000,
        "endedAt": step.ended_at,
    }
    if step.outcome != Step.Outcome.DONE:
        # The message of a step that is tried again is for the staff.
        detail = {"detail": step.error_message} if step.outcome == Step.Outcome.REFUSED else {}
        body["error"] = {"code": step.error_code, **detail}
    return body
