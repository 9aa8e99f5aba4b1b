"""Answers about a job that clients poll."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from rest_framework.response import Response

from jobs.api.limits import ask_whether_early, tell_to_wait
from jobs.api.problems import ProblemError
from jobs.api.status import has_ended, retry_after
from jobs.api.throttling import client_of
from jobs.api.views import ApiView
from jobs.models import Job


def answer_poll(view: ApiView, job: Job, body: Callable[[], dict[str, Any]]) -> Response:
    """The answer to a client that asks how far `job` is; 429 where it was told to wait for longer.

    What it was told is the `Retry-After` of its last answer by this view. Raises ProblemError.
    """
    if has_ended(job):
        return polled(job, body())
    question = f"polling:{type(view).__name__}:{job.pk}:{client_of(view.request)}"
    if early := ask_whether_early(question):
        view.limits.append(early)
        raise ProblemError(
            429,
            "polling-too-fast",
            f"Ask again in {early.retry_after} s, as Retry-After says. The job goes on meanwhile.",
            retry_after=early.retry_after,
        )
    response = polled(job, body())
    view.limits.append(tell_to_wait(question, seconds=int(response["Retry-After"])))
    return response


def polled(job: Job, body: dict[str, Any], *, status: int = 200) -> Response:
    """A response about a job, with `Retry-After` until it has ended (RFC 9110 section 10.2.3)."""
    response = Response(body, status=status, headers={"Cache-Control": "private, no-cache"})
    if (wait := retry_after(job, timezone.now())) is not None:
        response["Retry-After"] = str(wait)
    return response
