"""Calls over HTTP: the differences from the resources of other kinds."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes

from calls.api.bodies import OF_ROWS, CallStatus
from calls.api.examples import OF_A_STATUS, OF_AN_ORDER
from calls.ordering import ORDERING
from jobs.api.resources.resource import JobResource
from jobs.estimates.estimate import Estimate
from jobs.models import Job
from jobs.states import State
from jobs.status import has_ended

#: Members of every kind's status → what calls have instead.
RENAMED: Final = {"rowsProcessed": "stepsDone", "rowsTotal": "stepsTotal"}


class CallResource(JobResource):
    """`/api/calls` and `/api/call-types`."""

    ordering = ORDERING
    StatusBase = CallStatus
    download = "result"
    unknown_type = (400, "unknown-call-type")
    failed = (409, "call-failed")
    content_types = ("application/json",)
    order_examples = OF_AN_ORDER
    status_examples = OF_A_STATUS
    #: The result, whatever it is; the status of a call without one.
    Ended = OpenApiTypes.ANY

    def status_body(self, job: Job, known: Estimate, *, in_list: bool = False) -> dict[str, Any]:
        """Counts steps in place of rows, also when the call has ended. Both numbers of a complete call are equal."""
        usual = super().status_body(job, known, in_list=in_list)
        renamed = {RENAMED.get(name, name): value for name, value in usual.items()}
        body: dict[str, Any] = {name: value for name, value in renamed.items() if name not in OF_ROWS}
        if has_ended(job) and job.state != State.CANCELLED:
            body |= {"stepsDone": job.progress_done, "stepsTotal": job.progress_total}
        return body

    def answer_when_ended(self, job: Job) -> tuple[str, Any]:
        """The result, if the call has succeeded and it is small; else the status, which has its address."""
        value = (job.result or {}).get("value") if job.state == State.SUCCEEDED else None
        if value is None:
            return super().answer_when_ended(job)
        return reverse("call-result", args=[job.pk]), value


CALLS: Final = CallResource()
