"""Orders of reports: what they add to the orders of other kinds."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from jobs.api.dialect import DialectSerializer
from jobs.http.strict import StrictCharField
from jobs.types.ordering import Order, Ordering
from reports.chosen_columns import ColumnsField, check_chosen
from reports.types import REPORT_TYPES, ReportType
from tabular.dialect import Dialect


class ReportOrderSerializer(Order):
    """The body of `POST /api/reports`."""

    reportType = StrictCharField(max_length=100)
    csv = DialectSerializer(default=dict)
    columns = ColumnsField(
        required=False,
        help_text="The headings of the columns to write, in this order; null or omitted: all, in the type's order.",
    )


class ReportOrdering(Ordering[ReportType]):
    """Adds the file format and the chosen columns to the payload."""

    types = REPORT_TYPES
    Order = ReportOrderSerializer

    def further_members(self, job_type: ReportType, order: dict[str, Any]) -> dict[str, Any]:
        """`csv`, with all defaults filled in, and `columns` if the order chooses any. Raises ValidationError."""
        members: dict[str, Any] = {"csv": Dialect(**order["csv"]).to_payload()}
        if (chosen := order.get("columns")) is not None:
            try:
                check_chosen(job_type, chosen)
            except serializers.ValidationError as error:
                raise serializers.ValidationError({"columns": error.detail}) from None
            members["columns"] = chosen
        return members


ORDERING: Final = ReportOrdering()
place_order = ORDERING.place_order
valid_payload = ORDERING.valid_payload
reopen_order = ORDERING.reopen_order
shown_parameters = ORDERING.shown_parameters
