"""Bodies of the report API: made here, and documented for the schema."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from jobs.api.status import failure_members, postponement_members, progress_members, queue_members, result_members
from jobs.api.timeline import TimelineEvent, timeline
from jobs.estimates.estimate import Estimate
from jobs.estimates.waiting_reasons import REASONS
from jobs.http.schema import Problem
from jobs.models import Job
from jobs.states import State
from jobs.status import STATUS_WORDS, has_ended, status_word
from jobs.types.json_schema import serializer_schema
from reports.previewing import Preview
from reports.secret_parameters import shown_parameters
from reports.types import ReportType


def status_body(job: Job, known: Estimate, *, in_list: bool = False) -> dict[str, Any]:
    """The status of an order. `job` comes from `JobQuerySet.with_result`.

    A list leaves out what takes a query for each job: the place in the queue, and what a postponed one waits for.
    """
    artifact = job.result_artifact
    word = status_word(job, artifact)
    body: dict[str, Any] = {"id": str(job.pk), "reportType": job.payload["reportType"], "status": word}
    if not has_ended(job):
        body |= progress_members(job, known) | {"cancelURL": reverse("api-report", args=[job.pk])}
        if not in_list:
            body |= queue_members(known) | postponement_members(job)
    elif job.state == State.SUCCEEDED:
        if word == "Complete":
            body["reportURL"] = reverse("report-download", args=[job.pk])
        body |= result_members(job, artifact)
    elif job.state == State.DEAD:
        body |= failure_members(job)
    else:
        body |= {"createdAt": job.created_at, "completedAt": job.finished_at}
    return body


def report_body(job: Job, known: Estimate, *, in_list: bool = False) -> dict[str, Any]:
    """The status, what was ordered and, but for a list, what happened since."""
    ordered = {"parameters": shown_parameters(job.payload), "csv": job.payload["csv"]}
    body = {**status_body(job, known, in_list=in_list), **ordered, "statusURL": reverse("report-status", args=[job.pk])}
    return body if in_list else {**body, "timeline": timeline(job)}


def preview_body(payload: dict[str, Any], preview: Preview) -> dict[str, Any]:
    """A preview; without `rows` and `truncated` where they take too long to compute, and without unknown counts."""
    body = {"reportType": payload["reportType"], "parameters": shown_parameters(payload), "columns": preview.columns}
    counts = {"estimatedRows": preview.estimated_rows, "rowCount": preview.row_count}
    body |= {name: count for name, count in counts.items() if count is not None}
    return body if preview.rows is None else {**body, "rows": preview.rows, "truncated": preview.truncated}


def report_type_body(report_type: ReportType) -> dict[str, Any]:
    """A report type, with the JSON Schema of its parameters."""
    return {
        "identifier": report_type.identifier,
        "title": str(report_type.title),
        "description": str(report_type.description),
        "parameters": serializer_schema(report_type.Parameters()),
        "url": reverse("api-report-type", args=[report_type.identifier]),
    }


class WaitingReason(serializers.Serializer[Any]):
    """Why a queued report does not start yet."""

    code = serializers.ChoiceField(choices=[reason.code for reason in REASONS])
    detail = serializers.CharField()


class ReportStatus(serializers.Serializer[Any]):
    """The status of an order. Members that do not apply, or are not known, are left out."""

    id = serializers.UUIDField()
    reportType = serializers.CharField()
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
    reportURL = serializers.CharField(required=False)
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


class Report(ReportStatus):
    """The status, and what was ordered. A list leaves the timeline out."""

    parameters = serializers.DictField()
    csv = serializers.DictField()
    statusURL = serializers.CharField()
    timeline = TimelineEvent(many=True, required=False)


class ReportPage(serializers.Serializer[Any]):
    """One page of a list; `next` and `previous` are URLs."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = Report(many=True)


class PreviewBody(serializers.Serializer[Any]):
    """What an order would contain."""

    reportType = serializers.CharField()
    parameters = serializers.DictField()
    columns = serializers.ListField(child=serializers.CharField(allow_blank=True))
    estimatedRows = serializers.IntegerField(
        required=False,
        help_text="as the report type, PostgreSQL's planner or the type's recent runs tell; left out where unknown",
    )
    rowCount = serializers.IntegerField(
        required=False, help_text="how many rows there are at the moment; only where all of them are in `rows`"
    )
    rows = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(allow_blank=True)),
        required=False,
        help_text="the first ones, as they stand in the file; left out where they take too long to compute",
    )
    truncated = serializers.BooleanField(
        required=False, help_text="whether `rows` are fewer, maybe none, since together they are longer than 256 KiB"
    )


class ReportTypeBody(serializers.Serializer[Any]):
    """A report type."""

    identifier = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    parameters = serializers.DictField(help_text="JSON Schema (2020-12) of the order's `parameters`")
    url = serializers.CharField()


class ReportTypeListBody(serializers.Serializer[Any]):
    """All report types that the user may order."""

    results = ReportTypeBody(many=True)
