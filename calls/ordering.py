"""Orders of calls. They add nothing to the orders of other kinds."""

from __future__ import annotations

from typing import Final

from calls.types import CALL_TYPES, CallType
from jobs.http.strict import StrictCharField
from jobs.models import Job
from jobs.states import State
from jobs.types.ordering import Order, Ordering


class CallOrder(Order):
    """The body of `POST /api/calls`."""

    callType = StrictCharField(max_length=100)


class CallOrdering(Ordering[CallType]):
    """Turns orders of calls into jobs."""

    types = CALL_TYPES
    Order = CallOrder

    def has_result(self, job: Job) -> bool:
        """Whether the call has succeeded and its result, if it is a file, is available and undamaged."""
        return job.state == State.SUCCEEDED and (job.result_artifact is None or super().has_result(job))


ORDERING: Final = CallOrdering()
