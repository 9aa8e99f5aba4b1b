"""The order form of reports: parameters, file format and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from jobs.http.problems import pointers
from jobs.pages.file_format import CUSTOM, FileFormat
from jobs.pages.order_form import OrderForm
from jobs.types.base import JobType
from reports.chosen_columns import ColumnsField, check_chosen, in_current_language
from reports.types import ReportType


@dataclass(frozen=True)
class ColumnChoice:
    """The columns to choose from, and those that are chosen; None: all."""

    headings: Sequence[str]
    chosen: Sequence[str] | None
    #: Whether these are all columns of the report.
    are_all: bool
    errors: Sequence[str]

    @property
    def rows(self) -> list[tuple[str, bool]]:
        """Each heading, and whether it is chosen: the chosen ones first, in their order in the file."""
        if self.chosen is None:
            return [(heading, True) for heading in self.headings]
        rest = [heading for heading in self.headings if heading not in self.chosen]
        return [*((heading, True) for heading in self.chosen), *((heading, False) for heading in rest)]

    @property
    def is_open(self) -> bool:
        """Whether somebody has changed something."""
        return self.chosen is not None or bool(self.errors)

    @property
    def count(self) -> int:
        return len(self.headings if self.chosen is None else self.chosen)


class ReportForm(OrderForm):
    """Parameters, file format and columns."""

    csv = FileFormat(label=_("File"), style={"base_template": "format.html"})
    columns = ColumnsField(
        required=False,
        label=_("Columns"),
        style={"base_template": "columns.html"},
        error_messages={"empty": _("Choose at least one column.")},
    )

    #: Those of a preview, for a type that does not tell its columns.
    learned_headings: Sequence[str] = ()

    def offer_columns(self, headings: Sequence[str]) -> None:
        """Let users choose from these headings, which a preview has learned, unless two of them are equal."""
        if not self._known_headings and len(set(headings)) == len(headings):
            self.learned_headings = headings

    def validate_columns(self, value: list[str] | None) -> list[str] | None:
        """Raises ValidationError if the type is known not to have a column."""
        if value is not None:
            check_chosen(self._report_type, value)
        return value

    def order(self) -> dict[str, Any]:
        """The order of a valid form, with `columns` only if they differ from those of the type."""
        order = super().order()
        csv = {name: value for name, value in order["csv"].items() if name != "preset"}
        chosen = self.validated_data.get("columns")
        return {**order, "csv": csv, **({"columns": chosen} if chosen is not None else {})}

    def dress(self) -> None:
        """Give the field of the columns what its template shows."""
        self.fields["columns"].style = {**self.fields["columns"].style, "choice": self._column_choice()}

    def _column_choice(self) -> ColumnChoice:
        known = self._known_headings
        sent: dict[str, Any] = getattr(self, "initial_data", {})
        all_headings = known or self.learned_headings or sent.get("headings") or []
        errors = [error["detail"] for error in pointers(self.errors.get("columns", []))] if sent else []
        chosen = sent.get("columns")
        return ColumnChoice(all_headings or chosen or [], chosen, are_all=bool(all_headings), errors=errors)

    @classmethod
    def sent_members(cls, posted: QueryDict) -> dict[str, Any]:
        """`columns` in the order of the page; `headings` are those that it offered, in the order of the type."""
        if "columns_offered" not in posted:
            return {}
        chosen, offered = posted.getlist("columns"), posted.getlist("headings")
        return {"columns": None if offered and chosen == offered else chosen, "headings": offered}

    @classmethod
    def members_of(cls, job_type: JobType, order: Mapping[str, Any], *, format_open: bool) -> dict[str, Any]:
        """`columns`, in the language of the page; with `format_open`, each part of the file format is shown."""
        members: dict[str, Any] = {"csv": {**order["csv"], "preset": CUSTOM}} if format_open else {}
        if (chosen := order.get("columns")) is None:
            return members
        report_type = cast("ReportType", job_type)
        return {**members, "columns": in_current_language(report_type, chosen, language=order.get("language"))}

    @property
    def _report_type(self) -> ReportType:
        return cast("ReportType", self.context["job_type"])

    @property
    def _known_headings(self) -> list[str]:
        return self._report_type.known_headings
