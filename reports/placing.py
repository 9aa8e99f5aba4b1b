"""An order as it comes over HTTP: it may be one that was sent before, or ask for a report that is there already."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db.models.functions import Now
from drf_spectacular.utils import extend_schema_serializer

from jobs.api.resources.resource import Placed
from jobs.dispatch.idempotency import Idempotency, job_of_first_request, keep_reused
from jobs.http.strict import StrictBooleanField
from jobs.models import Job
from jobs.payloads.search import same_work_term
from jobs.postgres.statements import planned_again
from jobs.states import ACTIVE
from jobs.status import is_available
from jobs.webhooks.announcing import tell_also
from reports.ordering import OrderSerializer, callback_url, canonical_order, submit_order
from reports.types import ReportType

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


@extend_schema_serializer(component_name="ReportOrder")
class PlacedOrderSerializer(OrderSerializer):
    """The body of `POST /api/reports`."""

    reuse = StrictBooleanField(
        default=False,
        help_text="Reuse an identical report of yours that is in progress or was ordered recently, if there is one.",
    )


def place_order(*, owner: AbstractBaseUser, data: Any, idempotency: Idempotency | None = None) -> Placed:
    """Validate an order and submit it, unless the same request has done so before, or an equal report may be reused.

    `data` is the parsed body. Raises what `reports.ordering.order_report` and `job_of_first_request` do.
    """
    return planned_again(partial(_place_order, owner, data, idempotency))


def _place_order(owner: AbstractBaseUser, data: Any, idempotency: Idempotency | None) -> Placed:
    with job_of_first_request(owner=owner, idempotency=idempotency) as first:
        if first is not None:
            return Placed(first, is_replayed=True)
        order = PlacedOrderSerializer(data=data)
        order.is_valid(raise_exception=True)
        report_type, payload = canonical_order(order.validated_data, owner)
        if order.validated_data["reuse"] and (equal := find_reusable(owner, report_type, payload)):
            if (url := callback_url(order.validated_data, owner)) is not None:
                tell_also(equal.pk, url=url)
            keep_reused(equal, owner=owner, idempotency=idempotency)
            return Placed(equal, is_reused=True)
        return Placed(
            submit_order(report_type, payload, owner=owner, order=order.validated_data, idempotency=idempotency)
        )


def find_reusable(owner: AbstractBaseUser, report_type: ReportType, payload: dict[str, Any]) -> Job | None:
    """The newest equal report of `owner` that is on its way or can be downloaded, and was ordered shortly ago."""
    equal = Job.objects.owned_by(owner).filter(
        kind="report",
        search_terms__terms__contains=[same_work_term("report", payload)],
        created_at__gte=Now() - report_type.reusable_for,
        cancel_requested_at=None,
    )
    for job in equal.with_result().order_by("-pk")[:5]:
        artifact = job.result_artifact
        if job.state in ACTIVE or (artifact is not None and is_available(artifact) and artifact.damaged_at is None):
            return job
    return None
