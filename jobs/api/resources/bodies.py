"""Bodies of a kind's resource: made here, and documented for the schema."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import reverse
from rest_framework import serializers

from jobs.api.status import failure_members, postponement_members, progress_members, queue_members, result_members
from jobs.api.timeline import TimelineEvent
from jobs.estimates.estimate import Estimate
from jobs.estimates.waiting_reasons import REASONS
from jobs.http.schema import Problem
from jobs.kinds import get_kind
from jobs.models import Job
from jobs.states import State
from jobs.status import STATUS_WORDS, has_ended, status_word
from jobs.types.json_schema import serializer_schema


def status_body(job: Job, known: Estimate, *, in_list: bool = False) -> dict[str, Any]:
    """The status of an order. `job` comes from `JobQuerySet.with_result`.

    A list leaves out what takes a query for each job: the position in the queue, and what a postponed job waits for.
    """
    artifact = job.result_artifact
    word = status_word(job, artifact)
    body: dict[str, Any] = {"id": str(job.pk), f"{job.kind}Type": job.type, "status": word}
    if not has_ended(job):
        body |= progress_members(job, known) | {"cancelURL": reverse(f"api-{job.kind}", args=[job.pk])}
        if not in_list:
            body |= queue_members(known) | postponement_members(job)
    elif job.state == State.SUCCEEDED:
        if word == "Complete":
            body[f"{job.kind}URL"] = get_kind(job.kind).url_of_result(job)
        body |= result_members(job, artifact)
    elif job.state == State.DEAD:
        body |= failure_members(job)
    else:
        body |= {"createdAt": job.created_at, "completedAt": job.finished_at}
    return body


def type_body(one: Any, *, url: str) -> dict[str, Any]:
    """A type of jobs, with the JSON Schema of its parameters."""
    return {
        "identifier": one.identifier,
        "title": str(one.title),
        "description": str(one.description),
        "parameters": serializer_schema(one.Parameters()),
        "url": url,
    }


class WaitingReason(serializers.Serializer[Any]):
    """Why a queued report does not start yet."""

    code = serializers.ChoiceField(choices=[reason.code for reason in REASONS])
    detail = serializers.CharField()


class JobStatus(serializers.Serializer[Any]):
    """The status of an order. Members that do not apply, or are not known, are left out."""

    #: `jobType` and `jobURL` are shown with the name of the kind.
    kind: ClassVar[str] = "job"

    id = serializers.UUIDField()
    jobType = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUS_WORDS)
    estimatedTimeRemaining = serializers.CharField(required=False, help_text="`120 seconds`")
    estimatedSecondsRemaining = serializers.IntegerField(
        required=False, help_text="until it has ended; of a queued one, with its wait"
    )
    progress = serializers.IntegerField(min_value=0, max_value=100, required=False)
    rowsProcessed = serializers.IntegerField(required=False)
    rowsTotal = serializers.IntegerField(required=False, allow_null=True)
    queuePosition = serializers.IntegerField(required=False, allow_null=True)
    estimatedWaitSeconds = serializers.IntegerField(
        required=False, help_text="until it begins, as the queue gets on now"
    )
    attempt = serializers.IntegerField(required=False)
    retryAt = serializers.DateTimeField(
        required=False, help_text="of its next attempt: the last one failed, or the report was postponed"
    )
    waitingFor = serializers.CharField(required=False, help_text="why it was postponed")
    waitingReason = WaitingReason(required=False, help_text="why it does not start yet")
    cancelURL = serializers.CharField(required=False, help_text="DELETE it")
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
        """Fields by the name that a client sees."""
        named = {"jobType": f"{self.kind}Type", "jobURL": f"{self.kind}URL"}
        return {named.get(name, name): field for name, field in super().get_fields().items()}


class Ordered(serializers.Serializer[Any]):
    """What was ordered."""

    parameters = serializers.DictField()


class Detail(serializers.Serializer[Any]):
    """The status, and what was ordered. A list leaves the timeline out."""

    statusURL = serializers.CharField()
    timeline = TimelineEvent(many=True, required=False)


class JobPage(serializers.Serializer[Any]):
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


def page_of(detail: type[serializers.Serializer[Any]], *, name: str) -> type[JobPage]:
    """The body of a list, called `name` in the schema."""
    return type(name, (JobPage,), {"__doc__": JobPage.__doc__, "results": detail(many=True)})


def types_of(kind: str) -> tuple[type[TypeBody], type[serializers.Serializer[Any]]]:
    """The bodies of a type of this kind, and of the list of them."""
    name = f"{kind.capitalize()}Type"
    article = "An" if kind[0] in "aeiou" else "A"
    body = type(f"{name}Body", (TypeBody,), {"__doc__": f"{article} {kind} type."})
    listed = {"__doc__": f"All {kind} types that the user may order.", "results": body(many=True)}
    return body, type(f"{name}ListBody", (serializers.Serializer,), listed)
