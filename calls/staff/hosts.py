"""The admin pages of remote hosts. What staff do is in `calls.hosts.dials`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from calls.hosts.dials import LIMITS, close_hosts, open_hosts, set_limits
from calls.models import Host, Turn
from jobs.models import Job
from jobs.staff_pages import (
    FactsAdmin,
    ReasonForm,
    RowAction,
    Table,
    confirm_rows,
    display,
    link_to,
    register_permissions,
)

#: Requests in flight that the page of a host shows, the oldest ones.
MOST_TURNS: Final = 50
#: The longest time for which staff close a host.
MOST_MINUTES: Final = 7 * 24 * 60
#: State → color of its label.
COLORS: Final = {"open": "success", "failing": "warning", "closed": "warning", "broken": "danger", "probing": "warning"}

register_permissions(viewer=("calls.view_host",), operator=("calls.close_host",), administrator=("calls.change_host",))


class LimitsForm(ReasonForm):
    """The limits, and the reason for the change. Only values that this user changed are written."""

    in_flight = forms.IntegerField(
        min_value=1,
        required=False,
        label="In flight",
        help_text="Requests at the same time, over all workers. Empty: no limit.",
        widget=UnfoldAdminIntegerFieldWidget,
        show_hidden_initial=True,
    )
    per_second = forms.FloatField(
        min_value=0.001,
        max_value=10_000,
        required=False,
        label="Per second",
        help_text="Requests that begin per second, over all workers. Empty: no limit.",
        widget=UnfoldAdminTextInputWidget,
        show_hidden_initial=True,
    )
    field_order = (*LIMITS, "reason")

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name in (*self.changed_data, "reason")}


class ClosingForm(ReasonForm):
    """For how long, and why."""

    minutes = forms.IntegerField(
        min_value=1,
        max_value=MOST_MINUTES,
        initial=60,
        label="Minutes",
        help_text="Nothing is sent to the host for so long.",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    field_order = ("minutes", "reason")


COLUMNS: Final = ("host", "state_label", "in_flight", "per_second", "requests")
SET_LIMITS: Final = RowAction(
    "Set the limits of",
    "changed",
    "The limits apply to all workers, from the next request on. Requests in flight are not interrupted.",
    COLUMNS,
    set_limits,
    LimitsForm,
)
CLOSE: Final = RowAction(
    "Close",
    "closed",
    "No worker begins a request to the host. Requests in flight are not interrupted. Calls that need the host are "
    "postponed, and no attempt is used up.",
    COLUMNS,
    close_hosts,
    ClosingForm,
)
OPEN: Final = RowAction(
    "Open",
    "opened",
    "Requests are sent again at once, within the limits, even if the host asked to be left alone. Failures are "
    "forgotten. Calls that were postponed come back at their times.",
    COLUMNS,
    open_hosts,
)


@admin.register(Host)
class HostAdmin(FactsAdmin):
    """Remote hosts: their limits, and what keeps requests from them."""

    list_display = (
        "host", "state_label", "in_flight", "per_second", "requests", "closed_until", "closed_reason", "open_until",
        "last_error",
    )  # fmt: skip
    search_help_text = "The beginning of a host"
    target_type = "host"
    colors: ClassVar = COLORS
    ordering = ("host",)
    actions = ("set_limits", "close_hosts", "open_hosts")

    @display(description="State", label=COLORS)
    def state_label(self, host: Host) -> str:
        return self.state_of(host)

    @admin.display(description="Requests in flight")
    def requests(self, host: Host) -> str:
        """Hosts without limits need no turns, so nobody counts their requests."""
        return "not counted" if host.in_flight is None and host.per_second is None else f"{host.taken:,}"

    @admin.action(description="Set limits…", permissions=["set_limits"])
    def set_limits(self, request: HttpRequest, hosts: QuerySet[Host]) -> HttpResponse | None:
        return confirm_rows(self, request, hosts, SET_LIMITS, "set_limits")

    @admin.action(description="Close…", permissions=["close"])
    def close_hosts(self, request: HttpRequest, hosts: QuerySet[Host]) -> HttpResponse | None:
        return confirm_rows(self, request, hosts, CLOSE, "close_hosts")

    @admin.action(description="Open now…", permissions=["close"])
    def open_hosts(self, request: HttpRequest, hosts: QuerySet[Host]) -> HttpResponse | None:
        return confirm_rows(self, request, hosts, OPEN, "open_hosts")

    def has_set_limits_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.change_host"))

    def has_close_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.close_host"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.filter(host__startswith=search_term.strip().lower()), False

    def state_of(self, host: Host) -> str:
        now = timezone.now()
        if host.closed_until and host.closed_until > now:
            return "closed"
        if host.probing:
            return "probing"
        if host.open_until:
            return "broken"
        return "failing" if host.failures else "open"

    def explanation(self, host: Host) -> str:
        match self.state_of(host):
            case "closed":
                return "No worker calls it: it asked not to be called for a while, or somebody has closed it."
            case "broken":
                return "Requests to it kept failing. After the time below, one request finds out whether it is back."
            case "probing":
                return "One request finds out whether it is back. All others wait for it."
            case "failing":
                return "Its last requests have failed. If more do, it is not called for a while."
        return ""

    def facts(self, request: HttpRequest, host: Host) -> Iterable[tuple[str, object]]:
        return [
            ("Declared by a call type", "yes" if host.declared else "no"),
            ("Requests in flight", self.requests(host)),
            ("At most in flight", "no limit" if host.in_flight is None else host.in_flight),
            ("At most per second", "no limit" if host.per_second is None else f"{host.per_second:g}"),
            ("Closed until", host.closed_until),
            ("Because", host.closed_reason),
            ("Failures in a row", host.failures),
            ("Last failure", host.last_error),
            ("Not called until", host.open_until),
            ("Postponed calls come back until", host.resume_at),
        ]

    def tables(self, request: HttpRequest, host: Host) -> Iterable[Table]:
        turns = Turn.objects.filter(host=host).order_by("id")[:MOST_TURNS]
        rows: list[tuple[object, ...]] = [(link_to(request, Job, turn.job_id), turn.taken_at) for turn in turns]
        return [Table("Requests in flight, the oldest ones first", ("Job", "Since"), rows, "None are known.")]

    def possible_actions(self, host: Host) -> Collection[str]:
        closing = ("open_hosts", "close_hosts") if self.state_of(host) != "open" else ("close_hosts",)
        return ("set_limits", *closing)
