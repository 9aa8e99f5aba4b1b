"""Find a job for the user of a request. The id of another user's job is answered exactly like an unknown one."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils import timezone
from rest_framework.request import Request

from jobs.files.results import RESULT_COLUMNS, job_with_result, join_result
from jobs.models import Job
from jobs.postgres.commit import ask_after_commit
from jobs.postgres.statements import columns_of, fetch_all
from jobs.states import State

#: The ORM would take five times as long, because it compiles the statement each time.
OWN_JOB: Final = f"""
    SELECT {columns_of(Job, "jobs_job")}, {RESULT_COLUMNS} FROM jobs_job {join_result("jobs_job")}
    WHERE jobs_job.id = %(job_id)s AND owner = %(owner)s::bigint AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
"""  # noqa: S608


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
