"""The filters of a list, which stand in its address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple, Self

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.api.resources.filters import ordered_between
from jobs.api.resources.resource import JobResource
from jobs.models.querysets import JobQuerySet
from jobs.pages.wording import STATUS_LABELS
from jobs.status import in_status

#: The parameters of the address of a list.
NAMES: Final = ("status", "type", "from", "to")
_DATES: Final = (MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2999, 12, 31)))


class Chip(NamedTuple):
    """A filter that is active, and the query string of the list without it."""

    label: str
    without: str


class ListFilter(forms.Form):
    """Status (several), type, and the first and last day of the order in the time zone of the page."""

    status = forms.MultipleChoiceField(
        required=False,
        label=_("Status"),
        choices=list(STATUS_LABELS.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("There is no status “%(value)s”.")},
    )
    type = forms.ChoiceField(
        required=False, label=_("Type"), error_messages={"invalid_choice": _("There is no type “%(value)s”.")}
    )

    def __init__(self, sent: QueryDict, resource: JobResource, user: Any) -> None:
        self.sent = QueryDict(query_of(sent))
        super().__init__(self.sent, auto_id="filter-%s")
        types = [(known.identifier, str(known.title)) for known in resource.types.orderable_by(user)]
        self.fields["type"].choices = [("", _("All types")), *types]  # type: ignore[attr-defined]
        for name, label in (("from", _("Ordered from")), ("to", _("Ordered until"))):
            self.fields[name] = forms.DateField(
                required=False,
                label=label,
                input_formats=["%Y-%m-%d"],
                validators=_DATES,
                widget=forms.DateInput(attrs={"type": "date"}),
                error_messages={"invalid": _("This is not a date. Use YYYY-MM-DD.")},
            )

    @classmethod
    def of(cls, request: HttpRequest, resource: JobResource) -> Self:
        """The filters in the address of a request."""
        return cls(request.GET, resource, request.user)

    def clean(self) -> dict[str, Any]:
        """Refuse a last day before the first one."""
        chosen: dict[str, Any] = super().clean() or {}
        if chosen.get("from") and chosen.get("to") and chosen["to"] < chosen["from"]:
            self.add_error("to", _("This day is before the first one."))
        return chosen

    @property
    def query(self) -> str:
        """The query string of these filters, without paging; empty if there are none."""
        return query_of(self.sent)

    @property
    def chips(self) -> list[Chip]:
        """The active filters, each with the way to remove it."""
        return list(self._chips())

    def apply(self, jobs: JobQuerySet) -> JobQuerySet:
        """The jobs that match. The filters must be valid."""
        chosen = self.cleaned_data
        if chosen["status"]:
            jobs = jobs.filter(in_status(chosen["status"]))
        if chosen["type"]:
            jobs = jobs.filter(type=chosen["type"])
        last = chosen["to"] + timedelta(days=1) if chosen["to"] else None
        return ordered_between(jobs, after=_midnight(chosen["from"]), before=_midnight(last))

    def _chips(self) -> Iterator[Chip]:
        chosen = self.cleaned_data
        for word in chosen["status"]:
            yield Chip(str(STATUS_LABELS[word]), self._without("status", word))
        if chosen["type"]:
            yield Chip(str(dict(self.fields["type"].choices)[chosen["type"]]), self._without("type"))  # type: ignore[attr-defined]
        for name, label in (("from", _("From %(day)s")), ("to", _("Until %(day)s"))):
            if chosen[name]:
                yield Chip(label % {"day": chosen[name].isoformat()}, self._without(name))

    def _without(self, name: str, value: str | None = None) -> str:
        rest = self.sent.copy()
        rest.setlist(name, [sent for sent in rest.getlist(name) if value is not None and sent != value])
        return query_of(rest)


def query_of(sent: QueryDict, *, also: tuple[str, ...] = ()) -> str:
    """The query string with the filters in `sent`, and the parameters that `also` names; without empty ones."""
    kept = QueryDict(mutable=True)
    for name in (*NAMES, *also):
        if values := [value for value in sent.getlist(name) if value]:
            kept.setlist(name, values)
    return kept.urlencode()


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else timezone.make_aware(datetime.combine(day, time.min))
