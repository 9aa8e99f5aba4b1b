"""What the staff's pages ask about the payload of a report."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from django.urls import reverse
from rest_framework import serializers

from jobs.api.dialect import DialectSerializer
from jobs.errors import SecretUnreadableError
from jobs.http.problems import pointers
from jobs.inspection import Finding, Inspector, InvalidPayloadError, TypeDefaults
from jobs.kinds import get_kind
from jobs.models import Job
from jobs.pacing.dials import dials_for
from jobs.payloads.masking import is_sensitive
from jobs.payloads.sealing import is_out_of_date, seal, unseal
from jobs.states import Level, State
from jobs.types.json_schema import serializer_schema
from jobs.types.registry import UnknownTypeError
from jobs.types.secret_parameters import secret_names
from reports.expectation import planned_rows
from reports.open_query import ReportQuery
from reports.ordering import order_payload, reopen_order
from reports.types import REPORT_TYPES

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: PostgreSQL's planner is asked, and nothing is run; a lock may still keep it waiting. Seconds.
EXPLAIN_TIMEOUT_SECONDS: Final = 2


class ReportInspector(Inspector):
    """The payload of a report is an order: `reportType`, `parameters`, `csv`, `language`."""

    knows_cost = True
    encrypts = True

    def type_of(self, payload: dict[str, Any]) -> str:
        """The report type's identifier."""
        return str(payload.get("reportType", "")) if isinstance(payload, dict) else ""

    def types(self) -> Collection[str]:
        """The identifiers of all report types."""
        return [report_type.identifier for report_type in REPORT_TYPES.all()]

    def sensitive_names(self, payload: dict[str, Any]) -> Collection[str]:
        """Those of the report type. Raises UnknownTypeError."""
        report_type = REPORT_TYPES.find(self.type_of(payload))
        if report_type is None:
            raise UnknownTypeError(self.type_of(payload))
        return secret_names(type(report_type))

    def validate(self, payload: Any, owner: AbstractBaseUser | None) -> dict[str, Any]:
        """As an order of today would be. In the canonical form, secrets are sealed."""
        payload = super().validate(payload, owner)
        order = {name: value for name, value in payload.items() if name != "language"}
        try:
            _, canonical = order_payload(owner=cast("AbstractBaseUser", owner), data=order)
        except serializers.ValidationError as error:
            raise InvalidPayloadError(list(pointers(error.detail, ""))) from None
        except UnknownTypeError:
            detail = "There is no such report type, or the owner of the job may not order it."
            raise InvalidPayloadError([{"pointer": "/reportType", "detail": detail}]) from None
        del canonical["language"]
        return canonical | {name: payload[name] for name in ("language",) if name in payload}

    def encrypted(self, payload: Any) -> dict[str, Any] | None:
        """Of an order: among its parameters."""
        if not isinstance(payload, dict) or "parameters" not in payload:
            return None
        report_type = REPORT_TYPES.find(self.type_of(payload))
        is_secret = partial(is_sensitive, named=secret_names(type(report_type)) if report_type else ())
        if not is_out_of_date(payload["parameters"], is_secret):
            return None
        return {**payload, "parameters": seal(unseal(payload["parameters"]), is_secret)}

    def schema(self, payload: dict[str, Any]) -> dict[str, Any] | None:
        """Of the parameters and the file format."""
        report_type = REPORT_TYPES.find(self.type_of(payload))
        if report_type is None:
            return None
        parts = {
            "parameters": serializer_schema(report_type.Parameters()),
            "csv": serializer_schema(DialectSerializer()),
        }
        return {"type": "object", "properties": parts}

    def dials(self, type: str) -> TypeDefaults:  # noqa: A002
        """Of the report type's class."""
        report_type = REPORT_TYPES.find(type)
        return report_type.dials if report_type else TypeDefaults()

    def findings(self, job: Job) -> Iterator[Finding]:
        """Whether its type is still there, its owner may still order it, and its parameters are still valid."""
        identifier = self.type_of(job.payload)
        if REPORT_TYPES.find(identifier) is None:
            yield Finding(Level.WILL_FAIL, f"The report type {identifier} does not exist any more.")
            return
        if job.owner is None:
            yield Finding(Level.WILL_FAIL, "It has no owner, and a report is made for one.")
            return
        try:
            REPORT_TYPES.get(identifier, job.owner)
        except UnknownTypeError:
            yield Finding(Level.WILL_FAIL, f"Its owner may not order {identifier} any more.")
            return
        try:
            self.validate(unseal(job.payload), job.owner)
        except SecretUnreadableError:
            yield Finding(
                Level.WILL_FAIL,
                "A secret parameter can no longer be decrypted, because SECRET_KEY was replaced. Put the former key "
                "into SECRET_KEY_FALLBACKS, or edit the payload and write the secret again.",
            )
        except InvalidPayloadError as error:
            yield Finding(Level.WILL_FAIL, f"Its payload is not valid any more: {error}")
        else:
            yield Finding(Level.OK, f"{identifier} exists, its owner may order it, and its parameters are valid today.")

    def announced(self, job: Job) -> dict[str, Any]:
        """The report type, and the URLs of the status and, of a complete one, the download: as the status has them."""
        told: dict[str, Any] = {
            "reportType": self.type_of(job.payload),
            "statusURL": reverse("report-status", args=[job.pk]),
        }
        if job.state == State.SUCCEEDED:
            told["reportURL"] = get_kind(job.kind).url_of_result(job)
        return told

    def cost(self, job: Job) -> str | None:
        """What PostgreSQL's planner expects of the query."""
        owner = cast("AbstractBaseUser", job.owner)
        report_type, parameters = reopen_order(job.payload, owner)
        with ReportQuery(report_type, parameters, owner).open(
            dials_for(job, report_type.dials).database,
            application_name="longhaul explain",
            statement_timeout_seconds=EXPLAIN_TIMEOUT_SECONDS,
        ) as query:
            plan = query.explain()
        read = [f"{node['Plan Rows']:,} rows of {node['Relation Name']}" for node in _sequential_scans(plan)]
        scans = f" It reads {' and '.join(read)} from end to end." if read else ""
        rows = planned_rows(plan)
        expected = (
            "cannot tell how many groups there are, and plans" if rows is None else f"expects about {rows:,} rows"
        )
        return f"PostgreSQL {expected} at a cost of {plan['Total Cost']:,.0f}.{scans}"


def _sequential_scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if plan["Node Type"] == "Seq Scan":
        yield plan
    for node in plan.get("Plans", []):
        yield from _sequential_scans(node)
