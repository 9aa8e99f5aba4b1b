"""Turns errors of jobs into problems, for every view of the API."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response

from jobs.dispatch.refusals import write_refusals
from jobs.dispatch.throughput import retry_after_refusal
from jobs.errors import AdmissionError, IdempotencyKeyInUseError, IdempotencyKeyReusedError
from jobs.http import problems
from jobs.http.problems import ProblemError


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's `EXCEPTION_HANDLER`, for errors of jobs and all others."""
    return problems.problem_handler(as_problem(error), context)


def as_problem(error: Exception) -> Exception:
    """An error of jobs as a ProblemError; any other error unchanged."""
    match error:
        case AdmissionError():
            return refusal_problem(error)
        case IdempotencyKeyInUseError():
            return ProblemError(409, "idempotency-key-in-use", str(error), retry_after=1)
        case IdempotencyKeyReusedError():
            return ProblemError(422, "idempotency-key-reused", str(error))
    return error


def refusal_problem(error: AdmissionError) -> ProblemError:
    """429 if only this user has too many jobs queued, 503 if nobody's are accepted; with the time until there is room.

    Writes the refusals of this process to the database first, because no transaction is open here.
    """
    write_refusals()
    wait = retry_after_refusal(error)
    if error.scope == "owner":
        return ProblemError(429, "owner-queue-full", str(error), retry_after=wait)
    return ProblemError(503, "queue-full", str(error), retry_after=wait)
