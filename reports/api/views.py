"""One report: its status, its file, and what its owner may do to it. Thin views."""

from __future__ import annotations

from functools import partial

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.download import FILE_HEADERS, RANGE_HEADERS, artifact_response
from jobs.api.lookup import get_canceled, get_job, get_requeued
from jobs.api.polling import Question, answer_poll
from jobs.api.status import retry_after
from jobs.errors import ArtifactError, TransitionError
from jobs.estimates.estimate import estimate
from jobs.http.problems import ProblemError
from jobs.http.schema import ACCEPTED_HEADERS, problem
from jobs.http.views import ApiView
from jobs.interventions.purging import purge_or_cancel
from jobs.status import status_word
from reports.api.answers import DIAL_PROBLEMS, POLL_PROBLEMS, accepted
from reports.api.bodies import Report, ReportStatus, report_body, status_body
from reports.api.examples import OF_A_STATUS
from reports.retrying import NotRetryableError, retry_report


class ReportView(ApiView):
    """`/api/reports/{id}`"""

    scopes = {"GET": "reports:read", "DELETE": "reports:order"}

    @extend_schema(operation_id="getReport", responses={200: Report, **POLL_PROBLEMS})
    def get(self, request: Request, job_id: str) -> Response:
        """One report: its status, and what was ordered."""
        job = get_job(request, job_id, kind="report")
        return answer_poll(self, job, Question.RESOURCE, partial(report_body, job))

    @extend_schema(
        operation_id="deleteReport",
        parameters=[*ACCEPTED_HEADERS],
        responses={202: ReportStatus, 204: OpenApiResponse(description="It is gone, with its file.")},
    )
    def delete(self, request: Request, job_id: str) -> Response:
        """Cancel it while it is active (202, ask its status); delete it with its file once it has ended (204).

        A report that ends just before the request comes has ended: it is deleted, also where it was to be canceled.
        """
        job = get_job(request, job_id, kind="report")
        if purge_or_cancel(job.pk, actor=request.user.get_username()):
            return Response(status=204)
        return accepted(request, get_canceled(request, job))


class ReportRetryView(ApiView):
    """`/api/reports/{id}/retry`"""

    scopes = {"POST": "reports:order"}

    @extend_schema(
        operation_id="retryReport",
        request=None,
        parameters=[*ACCEPTED_HEADERS],
        responses={
            202: ReportStatus,
            409: problem("`not-failed`, or `not-retryable`: its type or parameters are no longer accepted."),
            **DIAL_PROBLEMS,
        },
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Try a failed report again, as it was ordered."""
        job = get_job(request, job_id, kind="report")
        try:
            retry_report(job, owner=request.user)  # type: ignore[arg-type]
        except TransitionError:
            word = status_word(job, job.result_artifact)
            raise ProblemError(409, "not-failed", f"Only a failed report can be retried; it is {word}.") from None
        except NotRetryableError as error:
            raise ProblemError(409, "not-retryable", str(error)) from None
        return accepted(request, get_requeued(request, job))


class ReportStatusView(ApiView):
    """`/api/reports/{id}/status`"""

    scopes = {"GET": "reports:read"}

    @extend_schema(operation_id="getReportStatus", examples=OF_A_STATUS, responses={200: ReportStatus, **POLL_PROBLEMS})
    def get(self, request: Request, job_id: str) -> Response:
        """How far it is. Ask again after `Retry-After` seconds, until that header is gone."""
        job = get_job(request, job_id, kind="report")
        return answer_poll(self, job, Question.STATUS, partial(status_body, job))


class ReportDownloadView(ApiView):
    """`/api/reports/{id}/download`"""

    scopes = {"GET": "reports:read"}

    @extend_schema(
        operation_id="downloadReport",
        parameters=[*RANGE_HEADERS, *FILE_HEADERS],
        responses={
            (200, "text/csv"): OpenApiTypes.BINARY,
            (200, "application/gzip"): OpenApiTypes.BINARY,
            (206, "text/csv"): OpenApiTypes.BINARY,
            (206, "application/gzip"): OpenApiTypes.BINARY,
            409: problem("`not-ready`: ask again after `Retry-After`. `report-failed`: its status says why."),
            410: problem("`canceled`, `expired` or `file-lost`: order it again."),
            416: problem("`range-not-satisfiable`: the range lies outside of the file."),
            503: problem("`storage-unavailable`: ask again after `Retry-After`."),
        },
    )
    def get(self, request: Request, job_id: str) -> HttpResponseBase:
        """The file. Ranges are served, so that a broken download can be resumed."""
        job = get_job(request, job_id, kind="report")
        artifact = job.result_artifact
        match status_word(job, artifact):
            case "Complete" if artifact is not None:
                try:
                    return artifact_response(request._request, artifact)
                except ArtifactError:
                    problem = "The file is missing from the storage, or damaged. Order it again."
                    raise ProblemError(410, "file-lost", problem) from None
            case "Failed":
                raise ProblemError(409, "report-failed", "The report failed; its status says why.")
            case "Canceled":
                raise ProblemError(410, "canceled", "The report was canceled.")
            case "Expired":
                raise ProblemError(410, "expired", "The file has expired. Order it again.")
            case _:
                wait = retry_after(job, estimate(job), timezone.now())
                raise ProblemError(409, "not-ready", "The report is not complete yet.", retry_after=wait)
