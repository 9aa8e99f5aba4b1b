"""Answers that several views of reports give."""

from __future__ import annotations

from functools import partial

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api import polling
from jobs.http.problems import ProblemError
from jobs.http.schema import problem
from jobs.models import Job
from reports.api.bodies import status_body
from reports.registry import UnknownReportTypeError, report_types_for

DIAL_PROBLEMS = {
    429: problem("`owner-queue-full`: too many of yours wait."),
    503: problem("`queue-full`: the queue is full, or closed."),
}
POLL_PROBLEMS = {429: problem("`polling-too-fast`: polled several times before `Retry-After` was over.")}


def accepted(request: Request, job: Job, *, is_new: bool = False) -> Response:
    """202: the status of an order, and where to ask for it; after its `Retry-After`, whatever was told before.

    Nothing was told of a job that `is_new`.
    """
    if not is_new:
        polling.begin_polling_anew(request, job)
    response = polling.accepted(job, partial(status_body, job))
    response["Location"] = reverse("report-status", args=[job.pk])
    response["Operation-Location"] = request.build_absolute_uri(reverse("operation", args=[job.pk]))
    return response


def unknown_report_type(request: Request, error: UnknownReportTypeError) -> ProblemError:
    """400, with the types that the user may order."""
    known = [report_type.identifier for report_type in report_types_for(request.user)]
    return ProblemError(
        400,
        "unknown-report-type",
        f"There is no report type {error.args[0]}. Valid ones are: {', '.join(known)}.",
        errors=[{"pointer": "#/reportType", "detail": "There is no such report type."}],
        reportTypes=known,
    )
