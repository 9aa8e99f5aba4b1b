"""Bodies of the callback API: functions that build them, and serializers that document them in the schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from jobs.api.resources.bodies import page_of
from jobs.api.status import error_of
from jobs.http.schema import Problem
from jobs.http.strict import StrictSerializer
from jobs.models import Attempt, CallbackEndpoint, CallbackSecret, Job
from jobs.states import Outcome, State
from jobs.status import WORDS
from jobs.types.callback_fields import CallbackURLField
from jobs.webhooks.signing import Rotated, value_of

#: All values of a delivery's `status`.
DELIVERY_WORDS = ("Queued", "In Progress", "Canceling", "Complete", "Failed", "Canceled")


def delivery_body(job: Job, *, attempts: bool = False) -> dict[str, Any]:
    """One delivery. `attempts` adds the message and the result of each attempt, with one more query."""
    state, payload = State(job.state), job.payload
    is_ending = job.cancel_requested_at and state in (State.RUNNING, State.FAILED)
    body: dict[str, Any] = {
        "id": str(job.pk),
        "status": "Canceling" if is_ending else WORDS[state].status,
        "eventType": payload["body"]["type"],
        "messageID": payload["message"],
        "jobID": payload["job"],
        "callbackURL": payload["url"],
        "attempt": job.attempt_count,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
    }
    if state == State.FAILED:
        body["retryAt"] = job.retry_at
    elif state == State.QUEUED and job.scheduled_at is not None and not job.due:
        body["retryAt"] = job.scheduled_at
    if job.finished_at is not None:
        body["completedAt"] = job.finished_at
    if "error" in (job.result or {}):
        body["error"] = error_of(job)
    if attempts:
        body |= {"body": payload["body"], "attempts": [_attempt_body(attempt) for attempt in job.attempts.all()]}
    return body


def _attempt_body(attempt: Attempt) -> dict[str, Any]:
    body = {"number": attempt.number, "startedAt": attempt.started_at}
    if attempt.finished_at is not None:
        body |= {"finishedAt": attempt.finished_at, "outcome": attempt.outcome}
    known = attempt.conditions or {}
    return body | {name: known[name] for name in ("httpStatus", "milliseconds") if name in known}


def secret_body(row: CallbackSecret) -> dict[str, Any]:
    """A secret without its value."""
    usable = value_of(row) is not None
    return {"id": str(row.pk), "createdAt": row.created_at, "signsUntil": row.signs_until, "signs": usable}


def rotated_body(rotated: Rotated) -> dict[str, Any]:
    """A new secret with its value, which no other body shows."""
    return {**secret_body(rotated.row), "secret": rotated.value}


def endpoint_body(endpoint: CallbackEndpoint) -> dict[str, Any]:
    """One endpoint."""
    return {
        "id": str(endpoint.pk),
        "callbackURL": endpoint.url,
        "disabledAt": endpoint.disabled_at,
        "reason": endpoint.reason,
    }


class CallbackSettingsNow(serializers.Serializer[Any]):
    """The callback URL of orders that do not name one."""

    callbackURL = serializers.CharField(allow_null=True, help_text="in its canonical form; null: no callbacks")


class CallbackSettingsBody(StrictSerializer):
    """The callback URL of orders that do not name one."""

    callbackURL = CallbackURLField(allow_null=True, help_text="null: no callbacks")


class CallbackTestBody(StrictSerializer):
    """The receiver of the test."""

    callbackURL = CallbackURLField(required=False, help_text="default: the URL in the settings")


class SigningSecret(serializers.Serializer[Any]):
    """A secret without its value."""

    id = serializers.UUIDField()
    createdAt = serializers.DateTimeField()
    signsUntil = serializers.DateTimeField(allow_null=True, help_text="null: until a newer secret exists")
    signs = serializers.BooleanField(help_text="false: the service lost the key that it was derived from; rotate it")


class NewSigningSecret(SigningSecret):
    """A secret with its value, which is shown only once."""

    secret = serializers.CharField(help_text="`whsec_…`")


class SigningSecretList(serializers.Serializer[Any]):
    """All active secrets, newest first."""

    results = SigningSecret(many=True)


class DeliveryAttempt(serializers.Serializer[Any]):
    """One attempt. Members that are not known, such as the status of a receiver that did not answer, are left out."""

    number = serializers.IntegerField()
    startedAt = serializers.DateTimeField()
    finishedAt = serializers.DateTimeField(required=False)
    outcome = serializers.ChoiceField(choices=Outcome.values, required=False)
    httpStatus = serializers.IntegerField(required=False)
    milliseconds = serializers.IntegerField(required=False)


class DeliveryMessage(serializers.Serializer[Any]):
    """The message that is sent."""

    type = serializers.CharField()
    timestamp = serializers.DateTimeField()
    data = serializers.DictField()  # type: ignore[assignment]  # DRF takes fields off the class


class DeliveryInList(serializers.Serializer[Any]):
    """A delivery. Members that do not apply are left out."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=DELIVERY_WORDS)
    eventType = serializers.CharField()
    messageID = serializers.CharField(help_text="the header `webhook-id`")
    jobID = serializers.UUIDField(allow_null=True, help_text="the job that ended; null for a test")
    callbackURL = serializers.CharField()
    attempt = serializers.IntegerField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()
    retryAt = serializers.DateTimeField(required=False)
    completedAt = serializers.DateTimeField(required=False)
    error = Problem(required=False, help_text="of the last attempt")


class Delivery(DeliveryInList):
    """A delivery, its message, and the result of each attempt."""

    body = DeliveryMessage()
    attempts = DeliveryAttempt(many=True)


DeliveryPage = page_of(DeliveryInList, name="DeliveryPage")


class Endpoint(serializers.Serializer[Any]):
    """A URL that has answered 410 Gone."""

    id = serializers.UUIDField()
    callbackURL = serializers.CharField()
    disabledAt = serializers.DateTimeField(allow_null=True, help_text="null: enabled again")
    reason = serializers.CharField()


EndpointPage = page_of(Endpoint, name="EndpointPage")
