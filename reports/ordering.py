"""Order: from what a consumer sends to a submitted job. The API and the pages both come here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import translation
from rest_framework import serializers

from jobs.models import Job
from jobs.submission import submit_job
from jobs.webhooks.asking import ask_for_callback, default_url
from jobs.webhooks.fields import CallbackURLField
from jobs.webhooks.urls import canonical_url
from reports.dialect import COMPRESSIONS, DELIMITERS, ENCODINGS, ERRORS, Dialect
from reports.registry import get_report_type
from reports.types import ReportType

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt option must not be ignored."""

    def to_internal_value(self, data: Any) -> Any:
        refuse_unknown(data, self.fields)
        return super().to_internal_value(data)


class DialectSerializer(StrictSerializer):
    """The `csv` object of an order."""

    encoding = serializers.ChoiceField(choices=ENCODINGS, default=Dialect.encoding)
    delimiter = serializers.ChoiceField(choices=DELIMITERS, default=Dialect.delimiter)
    spreadsheetSafe = serializers.BooleanField(
        default=Dialect.spreadsheetSafe,
        help_text="Put an apostrophe before text that a spreadsheet would run as a formula.",
    )
    compression = serializers.ChoiceField(choices=COMPRESSIONS, default=Dialect.compression)
    errors = serializers.ChoiceField(  # type: ignore[assignment]  # DRF takes fields off the class
        choices=ERRORS,
        default=Dialect.errors,
        help_text="What to do about a character that the encoding lacks: fail, or write a question mark.",
    )


class OrderSerializer(StrictSerializer):
    """The body of `POST /api/reports`."""

    reportType = serializers.CharField(max_length=100)
    parameters = serializers.DictField(default=dict)
    csv = DialectSerializer(default=dict)
    callbackURL = CallbackURLField(
        required=False,
        allow_null=True,
        help_text="Where to tell that the report has ended; that of your settings unless told, null: nowhere.",
    )


def order_report(*, owner: AbstractBaseUser, data: Any) -> Job:
    """Validate an order and submit it.

    `data` is the parsed body. Raises DRF's ValidationError, whose `detail` mirrors the shape of
    `data`; UnknownReportTypeError; or what `jobs.submission.submit_job` raises.
    """
    report_type, payload = order_payload(owner=owner, data=data)
    payload["language"] = translation.get_language()
    url = callback_url(owner=owner, data=data)
    if url is None:
        return submit_job(kind="report", owner=owner, queue=report_type.queue, payload=payload)
    with transaction.atomic():
        job = submit_job(kind="report", owner=owner, queue=report_type.queue, payload=payload)
        ask_for_callback(job, url=url)
    return job


def callback_url(*, owner: AbstractBaseUser, data: Any) -> str | None:
    """Where an order that is valid wants its end told; None: nowhere. It is no part of what identifies the report."""
    if "callbackURL" not in data:
        return default_url(owner)
    return canonical_url(data["callbackURL"]) if data["callbackURL"] is not None else None


def order_payload(*, owner: AbstractBaseUser, data: Any) -> tuple[ReportType, dict[str, Any]]:
    """The report type that is ordered, and what the job keeps of the order, in its canonical form.

    Raises DRF's ValidationError or UnknownReportTypeError.
    """
    order = OrderSerializer(data=data)
    order.is_valid(raise_exception=True)
    report_type = get_report_type(order.validated_data["reportType"], owner)
    return report_type, {
        "reportType": report_type.identifier,
        "parameters": valid_parameters(report_type, order.validated_data["parameters"]),
        "csv": Dialect(**order.validated_data["csv"]).to_payload(),
    }


def reopen_order(payload: dict[str, Any], owner: AbstractBaseUser) -> tuple[ReportType, dict[str, Any]]:
    """The report type and the validated parameters of a job's payload, by today's rules.

    Raises UnknownReportTypeError, also where its owner may not order it any more, or DRF's ValidationError.
    """
    report_type = get_report_type(payload["reportType"], owner)
    serializer = report_type.Parameters(data=payload["parameters"])
    serializer.is_valid(raise_exception=True)
    return report_type, serializer.validated_data


def valid_parameters(report_type: ReportType, data: dict[str, Any]) -> dict[str, Any]:
    """The parameters as JSON in their canonical form (`"2023"` becomes 2023, defaults are filled in).

    Raises ValidationError under the key `parameters`.
    """
    serializer = report_type.Parameters(data=data)
    try:
        refuse_unknown(data, serializer.fields)
        serializer.is_valid(raise_exception=True)
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"parameters": error.detail}) from None
    return dict(serializer.to_representation(serializer.validated_data))


def refuse_unknown(data: Any, fields: Any) -> None:
    """Raise ValidationError for keys of `data` that are no field."""
    if isinstance(data, dict) and (unknown := sorted(set(data) - set(fields))):
        raise serializers.ValidationError({str(name): ["There is no such field."] for name in unknown})
