"""Answers about a job that clients poll."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.response import Response

from jobs.api.status import retry_after
from jobs.models import Job


def polled(job: Job, body: dict[str, Any], *, status: int = 200) -> Response:
    """A response about a job, with `Retry-After` until it has ended (RFC 9110 section 10.2.3)."""
    response = Response(body, status=status, headers={"Cache-Control": "private, no-cache"})
    if (wait := retry_after(job, timezone.now())) is not None:
        response["Retry-After"] = str(wait)
    return response
