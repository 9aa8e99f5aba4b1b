"""Find a job for the user who asks. Somebody else's id answers exactly as an unknown one."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest
from rest_framework.request import Request

from jobs.models import Job


def get_job(request: Request | HttpRequest, job_id: str, *, kind: str | None = None) -> Job:
    """The job, with its published result artifact in `job.result_artifact`. One query, two where it has ended.

    Raises Http404.
    """
    try:
        pk = UUID(job_id)
    except ValueError:
        raise Http404 from None
    jobs = Job.objects.owned_by(request.user).filter(pk=pk).with_result()  # type: ignore[arg-type]
    job = (jobs.filter(kind=kind) if kind else jobs).first()
    if job is None:
        raise Http404
    return job
