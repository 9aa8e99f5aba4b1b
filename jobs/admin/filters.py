"""The filters of the job list. Each one is a criterion of `jobs.interventions.selection`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, TextFilter

from jobs.interventions.selection import AGES, UnknownCriterionError, criterion, error_classes
from jobs.kinds import inspector_of, kind_names
from jobs.models import Queue
from jobs.states import State


class CriterionMixin:
    """`parameter_name` is the name of the criterion."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The matching jobs; none if the URL contains a value that is not valid."""
        value = self.value()  # type: ignore[attr-defined]
        if not value:
            return queryset
        try:
            return queryset.filter(criterion(self.parameter_name, value))  # type: ignore[attr-defined]
        except UnknownCriterionError:
            return queryset.none()


class StateFilter(CriterionMixin, DropdownFilter):
    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return State.choices


class KindFilter(CriterionMixin, DropdownFilter):
    title = parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name) for name in kind_names()]


class TypeFilter(CriterionMixin, DropdownFilter):
    title = parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name) for kind in kind_names() for name in inspector_of(kind).types()]


class QueueFilter(CriterionMixin, DropdownFilter):
    title = parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name) for name in Queue.objects.values_list("name", flat=True)]


class ErrorFilter(CriterionMixin, DropdownFilter):
    title = "error class"
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name.rpartition(".")[2]) for name in error_classes()]


class AgeFilter(CriterionMixin, DropdownFilter):
    """By the time since the job was submitted."""

    title = parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [*((name, f"within the last {name}") for name in AGES), ("older", "older than a week")]


class OwnerFilter(CriterionMixin, TextFilter):
    title = parameter_name = "owner"


class FingerprintFilter(CriterionMixin, TextFilter):
    title = "failure group"
    parameter_name = "fingerprint"


class TroubleFilter(CriterionMixin, DropdownFilter):
    """By problems that the state does not show."""

    title = parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("orphaned", "lease has expired"), ("overdue", "retry is overdue")]


FILTERS = (
    StateFilter, KindFilter, TypeFilter, QueueFilter, OwnerFilter, ErrorFilter, FingerprintFilter, AgeFilter,
    TroubleFilter,
)  # fmt: skip
