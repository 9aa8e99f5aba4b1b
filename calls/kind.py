"""The kind `call` and its handler."""

from __future__ import annotations

from typing import Any, Final, cast

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from calls.attempt import run_call_type
from calls.forgetting import forget_calls
from calls.inspection import CallInspector
from calls.ordering import ORDERING
from calls.remedies import REMEDIES_OF_CALLS
from calls.types import CALL_TYPES
from jobs.context import JobContext
from jobs.kinds import Kind, QueueDials, Scopes
from jobs.retry import RetryPolicy
from jobs.types.reopening import reopen_to_run
from jobs.types.scheduling import TypedOrders


def run_call(context: JobContext) -> dict[str, Any]:
    """Run one attempt of a call. The order is validated again, because the type may have changed since."""
    call_type, parameters = reopen_to_run(ORDERING, context.job, code="unknown-call-type")
    with translation.override(context.job.payload.get("language")):
        return run_call_type(context, call_type, parameters, cast("Any", context.job.owner))


#: Each step is progress. Remote hosts are overloaded or down for minutes rather than seconds, so eight attempts take
#: about an hour.
CALL: Final = Kind(
    name=CALL_TYPES.kind,
    queue="calls",
    queue_dials=QueueDials(max_running=500, statement_timeout_seconds=60),
    handler=run_call,
    stall_timeout_seconds=3600,
    retry_policy=RetryPolicy(max_attempts=8, first_delay_seconds=10, max_delay_seconds=1800),
    inspector=CallInspector(ORDERING),
    scopes=Scopes(
        read="calls:read",
        write="calls:order",
        read_allows=_("see calls and their results"),
        write_allows=_("order, cancel and delete calls"),
    ),
    result_url="call-result",
    remedies=REMEDIES_OF_CALLS,
    scheduled_orders=TypedOrders(ORDERING),
    forget=forget_calls,
)
