"""Order: from what a consumer sends to a submitted job. The API and the pages both come here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.utils import translation
from rest_framework import serializers

from jobs.types.callback_fields import CallbackURLField
from jobs.api.dialect import DialectSerializer
from jobs.dispatch.idempotency import Idempotency
from jobs.dispatch.submission import submit_job
from jobs.http.strict import StrictCharField, StrictSerializer, refuse_unknown
from jobs.models import Job
from jobs.payloads.sealing import seal, unseal
from jobs.types.canonical import canonical
from jobs.types.secret_parameters import is_secret_field, masked_parameters
from jobs.webhooks.asking import default_url
from reports.types import REPORT_TYPES, ReportType
from tabular.dialect import Dialect

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class OrderSerializer(StrictSerializer):
    """What is ordered."""

    reportType = StrictCharField(max_length=100)
    parameters = serializers.DictField(default=dict)
    csv = DialectSerializer(default=dict)
    callbackURL = CallbackURLField(
        required=False,
        allow_null=True,
        help_text=(
            "The URL to notify when the report ends. If omitted, the URL in your settings is used; null sends no "
            "notification."
        ),
    )


def order_report(*, owner: AbstractBaseUser, data: Any) -> Job:
    """Validate an order and submit it.

    `data` is the parsed body. Raises DRF's ValidationError, whose `detail` mirrors the shape of
    `data`; UnknownTypeError; or what `jobs.dispatch.submission.submit_job` raises.
    """
    order = OrderSerializer(data=data)
    order.is_valid(raise_exception=True)
    report_type, payload = canonical_order(order.validated_data, owner)
    return submit_order(report_type, payload, owner=owner, order=order.validated_data)


def submit_order(
    report_type: ReportType,
    payload: dict[str, Any],
    *,
    owner: AbstractBaseUser,
    order: dict[str, Any],
    idempotency: Idempotency | None = None,
) -> Job:
    """Submit a valid order, of which this payload was made. Raises what `jobs.dispatch.submission.submit_job` does.

    Where its end is told is no part of what identifies the report; who says nothing means the owner's own URL.
    """
    return submit_job(
        kind="report",
        owner=owner,
        queue=REPORT_TYPES.queue_of(report_type),
        payload=payload,
        idempotency=idempotency,
        callback_url=order.get("callbackURL"),
        owners_callback="callbackURL" not in order,
    )


def callback_url(order: dict[str, Any], owner: AbstractBaseUser) -> str | None:
    """Where a valid order wants its end told; None: nowhere."""
    return order["callbackURL"] if "callbackURL" in order else default_url(owner)


def order_payload(*, owner: AbstractBaseUser, data: Any) -> tuple[ReportType, dict[str, Any]]:
    """The report type that is ordered, and what the job keeps of the order, in its canonical form.

    Raises DRF's ValidationError or UnknownTypeError.
    """
    order = OrderSerializer(data=data)
    order.is_valid(raise_exception=True)
    return canonical_order(order.validated_data, owner)


def canonical_order(order: dict[str, Any], owner: AbstractBaseUser) -> tuple[ReportType, dict[str, Any]]:
    """As `order_payload`, of what an OrderSerializer has found valid. Secrets are sealed."""
    report_type = REPORT_TYPES.get(order["reportType"], owner)
    return report_type, {
        "reportType": report_type.identifier,
        "parameters": seal(
            valid_parameters(report_type, order["parameters"]), partial(is_secret_field, type(report_type))
        ),
        "csv": Dialect(**order["csv"]).to_payload(),
        "language": translation.get_language(),
    }


def reopen_order(payload: dict[str, Any], owner: AbstractBaseUser) -> tuple[ReportType, dict[str, Any]]:
    """The report type and the validated parameters of a job's payload, by today's rules.

    This is where sealed secrets are decrypted. Raises UnknownTypeError, also where its owner may not order it any
    more, SecretUnreadableError, or DRF's ValidationError.
    """
    report_type = REPORT_TYPES.get(payload["reportType"], owner)
    serializer = report_type.Parameters(data=unseal(payload["parameters"]))
    serializer.is_valid(raise_exception=True)
    return report_type, serializer.validated_data


def shown_parameters(payload: dict[str, Any]) -> dict[str, Any]:
    """The parameters of an order with `***` in place of each secret, as its owner sees them."""
    report_type = REPORT_TYPES.find(str(payload["reportType"]))
    return masked_parameters(type(report_type) if report_type else None, payload["parameters"])


def valid_parameters(report_type: ReportType, data: dict[str, Any]) -> dict[str, Any]:
    """The parameters as JSON in their canonical form, secrets in clear.

    Raises ValidationError under the key `parameters`.
    """
    serializer = report_type.Parameters(data=data)
    try:
        refuse_unknown(data, serializer.fields)
        serializer.is_valid(raise_exception=True)
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"parameters": error.detail}) from None
    return canonical(serializer, serializer.validated_data, data)
