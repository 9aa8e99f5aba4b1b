"""Bulk runs: order one for all jobs that match a filter, inspect its dry run, start it, steer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from jobs.admin.forms import ReasonForm
from jobs.admin.read_only import ReadOnlyAdmin
from jobs.bulk import steering
from jobs.bulk.outcome import count_current_states, may_be_undone
from jobs.errors import AdmissionError, TransitionError
from jobs.interventions.requeue_checks import LABELS
from jobs.interventions.selection import CRITERIA, UnknownCriterionError, in_words
from jobs.models.bulk import OPEN, WORKING, BulkItem, BulkRun, Stage
from jobs.states import Level

#: Maximum number of reasons for refusals and warnings that are shown, the most frequent ones first.
MOST_REASONS: Final = 20

#: Stage → color of its label.
COLORS: Final = {
    **dict.fromkeys(WORKING, "info"),
    Stage.HALTED: "danger",
    Stage.PAUSED: "warning",
    Stage.DONE: "success",
}


class Button(NamedTuple):
    """A button on a run's page: its label, the stages in which it is shown, and the function that it calls."""

    label: str
    stages: frozenset[Stage]
    steer: Callable[..., None]


BUTTONS: Final = {
    "start": Button("Start with a canary", frozenset({Stage.CHECKED}), steering.start_run),
    "start_at_once": Button("Start without a canary", frozenset({Stage.CHECKED}), steering.start_run),
    "pause": Button("Pause", frozenset({Stage.CANARY, Stage.RUNNING}), steering.pause_run),
    "resume": Button("Resume", frozenset({Stage.PAUSED, Stage.HALTED}), steering.resume_run),
    "skip_canary": Button("Continue without the canary", frozenset({Stage.PAUSED, Stage.HALTED}), steering.skip_canary),
    "undo": Button("Undo jobs that have not started", steering.UNDOABLE, steering.undo_run),
    "drop": Button("Drop the rest", OPEN - {Stage.UNDOING}, steering.drop_run),
}


class OrderForm(ReasonForm):
    """The fields of an order, except for the criteria of its jobs."""

    jobs_per_second = forms.IntegerField(
        min_value=1,
        max_value=1000,
        initial=10,
        label="Jobs per second",
        help_text="The dials of the queues still decide how many jobs run at once.",
        widget=UnfoldAdminIntegerFieldWidget(),
    )


@admin.register(BulkRun)
class BulkRunAdmin(ReadOnlyAdmin):
    """All runs, newest first."""

    list_display = ("id", "act", "stage_label", "jobs", "reason", "ordered_by", "created_at")
    list_select_related = ("ordered_by",)
    list_filter = ("stage", "act")
    sortable_by = ()

    @display(description="Stage", label=COLORS)
    def stage_label(self, run: BulkRun) -> str:
        return run.stage

    @admin.display(description="Jobs")
    def jobs(self, run: BulkRun) -> str:
        return in_words(run.criteria)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("order/", wrap(self.order_view), name="jobs_bulkrun_order"),
            path("<path:object_id>/steer/", wrap(self.steer_view), name="jobs_bulkrun_steer"),
            *super().get_urls(),
        ]

    def order_view(self, request: HttpRequest) -> HttpResponse:
        """`?act=requeue&` criteria: ask for a reason and a rate, then begin the dry run.

        Submitting the same form twice shows the run of the first submission. If another run for the same jobs is open,
        the form says so and keeps the input.
        """
        act, criteria = request.GET.get("act", ""), criteria_in(request.GET)
        unknown = [name for name, value in request.GET.items() if name != "act" and (name not in CRITERIA or not value)]
        if act not in BulkRun.Act or unknown:  # ignoring a misspelled criterion would select more jobs
            raise Http404
        if not may_steer(request, act):
            raise PermissionDenied
        form, status = OrderForm(request.POST or None), 200
        if form.is_valid():
            try:
                run = steering.order_run(
                    act=BulkRun.Act(act),
                    criteria=criteria,
                    reason=form.cleaned_data["reason"],
                    jobs_per_second=form.cleaned_data["jobs_per_second"],
                    actor=request.user,  # type: ignore[arg-type]  # admin_view lets nobody else in
                )
            except steering.AlreadyOpenError as error:
                if is_same_order(error.run, request, form):
                    return HttpResponseRedirect(reverse("admin:jobs_bulkrun_change", args=[error.run.pk]))
                status = 409
            except (UnknownCriterionError, AdmissionError) as error:
                messages.error(request, str(error))
                return HttpResponseRedirect(reverse("admin:jobs_job_changelist"))
            else:
                return HttpResponseRedirect(reverse("admin:jobs_bulkrun_change", args=[run.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{BulkRun.Act(act).label} all jobs that match?",
            "form": form,
            "open_run": steering.open_run(act=BulkRun.Act(act), criteria=criteria),
            "act": act,
            "jobs": in_words(criteria),
            "back": f"{reverse('admin:jobs_job_changelist')}?{urlencode(criteria)}",
        }
        return TemplateResponse(request, "admin/jobs/bulkrun/order.html", context, status=status)

    def steer_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Handle a button on a run's page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        run = self._run(request, object_id)
        if run is None or (button := BUTTONS.get(name := request.POST.get("button", ""))) is None:
            raise Http404
        if not may_steer(request, run.act):
            raise PermissionDenied
        options = {"with_canary": name == "start"} if button.steer is steering.start_run else {}
        try:
            button.steer(run, actor=request.user, **options)
        except (TransitionError, AdmissionError) as error:
            messages.warning(request, f"Nothing was done: {error}.")
        return HttpResponseRedirect(reverse("admin:jobs_bulkrun_change", args=[run.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of a run."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        run = self._run(request, object_id)
        if run is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        context = {
            **self.admin_site.each_context(request),
            **run_page(run),
            "title": f"{run.get_act_display()} {in_words(run.criteria)}",
            "opts": self.opts,
            "original": run,
            "may_steer": may_steer(request, run.act),
        }
        return TemplateResponse(request, "admin/jobs/bulkrun/page.html", context)

    def _run(self, request: HttpRequest, object_id: str) -> BulkRun | None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.get_object(request, unquote(object_id))


def criteria_in(query: Mapping[str, str]) -> dict[str, str]:
    """The criteria that a URL names."""
    return {name: value for name, value in query.items() if name in CRITERIA and value}


def may_steer(request: HttpRequest, act: str) -> bool:
    """Whether the user may order and steer runs, and do this to one job."""
    return bool(request.user.has_perms(("jobs.run_bulkrun", f"jobs.{act}_job")))


def is_same_order(run: BulkRun, request: HttpRequest, form: OrderForm) -> bool:
    """Whether this form was submitted twice, for example in two windows, and nobody has started the run yet."""
    is_not_started = run.stage in (Stage.CHECKING, Stage.CHECKED)
    return is_not_started and run.ordered_by_id == request.user.pk and run.reason == form.cleaned_data["reason"]


def run_page(run: BulkRun) -> dict[str, Any]:
    """The context of a run's page: counts by verdict and by outcome, reasons, buttons."""
    outcomes = dict.fromkeys(BulkItem.Outcome.values, 0)
    verdicts = dict.fromkeys(Level, 0)
    for row in run.items.values("level", "outcome").annotate(jobs=Count("pk")).order_by():
        outcomes[row["outcome"]] += row["jobs"]
        verdicts[Level(row["level"])] += row["jobs"]
    total = sum(outcomes.values())
    done = total - outcomes[BulkItem.Outcome.PENDING]
    current_states = count_current_states(run)
    reasons = run.items.exclude(why="").values("why", "level").annotate(jobs=Count("pk")).order_by("-jobs")
    return {
        "run": run,
        "refresh_seconds": 2 if run.stage in WORKING else 0 if all(state.has_ended for state in current_states) else 10,
        "current_states": [(state.words, state.jobs) for state in current_states],
        "verdicts": [(level, LABELS[level], count) for level, count in verdicts.items()],
        "outcomes": [(BulkItem.Outcome(outcome).label, count) for outcome, count in outcomes.items()],
        "total": total,
        "done": done,
        "percent": round(100 * done / total) if total else 0,
        "reasons": list(reasons[:MOST_REASONS]),
        "awaits_canary": steering.awaits_canary(run),
        "buttons": [
            (name, button.label)
            for name, button in BUTTONS.items()
            if _is_shown(name, run, button.stages) and (name != "undo" or may_be_undone(current_states))
        ],
    }


def _is_shown(name: str, run: BulkRun, stages: frozenset[Stage]) -> bool:
    if run.stage not in stages or (name == "skip_canary" and not steering.awaits_canary(run)):
        return False
    return run.act == BulkRun.Act.REQUEUE or name not in ("undo", "start")
