"""Responses to clients that poll a job."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.status import retry_after
from jobs.dispatch.remembered_queue import remembered_for_order, remembered_queue
from jobs.estimates.estimate import Estimate, estimate
from jobs.http.limits import ask_whether_early, count_poll, forget_polls
from jobs.http.problems import ProblemError
from jobs.http.schema import problem
from jobs.http.views import ApiView
from jobs.models import Job
from jobs.postgres.commit import ask_after_commit
from jobs.status import has_ended
from jobs.tokens.beside import beside_of
from jobs.tokens.throttling import client_of

#: Builds the body of a response from the job's estimate.
Body = Callable[[Estimate], Any]

POLL_PROBLEMS = {429: problem("`polling-too-fast`: polled several times before `Retry-After` was over.")}


class Question(StrEnum):
    """A question about a job that clients poll. Each has its own quota."""

    STATUS = "status"
    OPERATION = "operation"
    RESOURCE = "resource"

    def of(self, job: Job, request: Request) -> str:
        """The key for `jobs.http.limits` of this question, from the client of `request`, about `job`."""
        return f"{self.about(job.pk)}:{client_of(request)}"

    def about(self, job_id: UUID) -> str:
        """The same for all clients."""
        return f"polling:{self}:{job_id}"


def answer_poll(view: ApiView, job: Job, question: Question, body: Body) -> Response:
    """Answer a client that polls `job`. Raises ProblemError (429) if it polls much faster than `Retry-After` says."""
    if has_ended(job):
        return _answer(job, Estimate(), body)
    asked = question.of(job, view.request)
    beside = beside_of(view)
    if early := beside.early if beside and beside.was_asked else ask_whether_early(asked):
        view.limits.append(early)
        raise ProblemError(
            429,
            "polling-too-fast",
            f"Poll again in {early.retry_after} s, as Retry-After says. The job is not affected.",
            retry_after=early.retry_after,
        )
    response = _answer(job, estimate(job, remembered=remembered_queue), body)
    view.limits.append(count_poll(asked, window_seconds=int(response["Retry-After"])))
    return response


def forget_polls_of(job: Job, request: Request) -> None:
    """Let the next `Retry-After` count, whatever this client was told about `job` before."""
    forget_polls(question.of(job, request) for question in Question)


def accepted(job: Job, body: Body) -> Response:
    """202 for a job that was committed. It is sent even if the estimate fails."""
    return _answer(
        job,
        ask_after_commit(partial(estimate, job, remembered=remembered_for_order), otherwise=Estimate),
        body,
        status=202,
    )


def ended(job: Job, body: Any) -> Response:
    """200 for a job that has ended while its order waited for it."""
    return _answer(job, Estimate(), lambda _: body)


def _answer(job: Job, known: Estimate, body: Body, *, status: int = 200) -> Response:
    """A response about a job, with `Retry-After` (RFC 9110 section 10.2.3) unless the job has ended."""
    response = Response(body(known), status=status, headers={"Cache-Control": "private, no-cache"})
    if (wait := retry_after(job, known, timezone.now())) is not None:
        response["Retry-After"] = str(wait)
    return response
