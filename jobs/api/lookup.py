"""Find a job for the user of a request. The id of another user's job is answered exactly like an unknown one."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils import timezone
from rest_framework.request import Request

from jobs.api.polling import Question
from jobs.files.results import RESULT_COLUMNS, job_with_result, join_result
from jobs.http.views import ApiView
from jobs.models import Job
from jobs.postgres.commit import ask_after_commit
from jobs.postgres.statements import columns_of, fetch_all
from jobs.states import State
from jobs.tokens.beside import Beside, beside_of

#: The ORM would take five times as long, because it compiles the statement each time.
OWN_JOB: Final = f"""
    SELECT {columns_of(Job, "jobs_job")}, {RESULT_COLUMNS} FROM jobs_job {join_result("jobs_job")}
    WHERE jobs_job.id = %(job_id)s AND owner = %(owner)s::bigint AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
"""  # noqa: S608


#: The same for `jobs.tokens.beside`, which finds the owner in the same statement.
BESIDE_PREFIX: Final = "job "
BESIDE_COLUMNS: Final = f"{columns_of(Job, 'job', prefix=BESIDE_PREFIX)}, {RESULT_COLUMNS}"
BESIDE_JOINS: Final = f"""
    LEFT JOIN jobs_job AS job ON job.id = %(job_id)s AND job.owner = token.user_id
        AND (%(kind)s::text IS NULL OR job.kind = %(kind)s::text)
    {join_result("job")}
"""


def job_beside(job_id: str, *, kind: str | None, question: Question | None = None) -> Beside | None:
    """Makes the check of a token read the job of the request, too; None for an id that no job can have."""
    try:
        pk = UUID(job_id)
    except ValueError:
        return None
    poll = question.about(pk) if question else ""
    return Beside(BESIDE_COLUMNS, BESIDE_JOINS, {"job_id": pk, "kind": kind}, poll=poll)


def get_job_beside(view: ApiView, request: Request, job_id: str, *, kind: str | None) -> Job:
    """What `get_job` returns, without a query if the check of the token has read it. Raises Http404."""
    beside = beside_of(view)
    if beside is None or beside.row is None:
        return get_job(request, job_id, kind=kind)
    if beside.row[f"{BESIDE_PREFIX}id"] is None:
        raise Http404
    return job_with_result(beside.row, prefix=BESIDE_PREFIX)


def get_job(request: Request | HttpRequest, job_id: str, *, kind: str | None = None) -> Job:
    """The job with its published result. One short query, because no other is as frequent. Raises Http404."""
    try:
        pk = UUID(job_id)
    except ValueError:
        raise Http404 from None
    for row in fetch_all(OWN_JOB, job_id=pk, owner=request.user.pk, kind=kind):
        return job_with_result(row)
    raise Http404


def get_requeued(request: Request | HttpRequest, job: Job) -> Job:
    """The job after it was queued again. If PostgreSQL no longer answers, only what is certain has changed."""

    def as_far_as_known() -> Job:
        job.state, job.result, job.progress_details = State.QUEUED, None, None
        job.attempt_count = job.progress_done = job.progress_percent = 0
        return job

    return ask_after_commit(lambda: get_job(request, str(job.pk), kind=job.kind), otherwise=as_far_as_known)


def get_canceled(request: Request | HttpRequest, job: Job) -> Job:
    """The same after it was canceled."""

    def as_far_as_known() -> Job:
        if job.state == State.RUNNING:
            job.cancel_requested_at = timezone.now()
        else:
            job.state, job.finished_at = State.CANCELLED, timezone.now()
        return job

    return ask_after_commit(lambda: get_job(request, str(job.pk), kind=job.kind), otherwise=as_far_as_known)
