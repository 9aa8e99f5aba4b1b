"""The schedules of users, and their runs: why one does not run, what came of its runs, and how to stop it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django_celery_beat.models import PeriodicTask
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from jobs.admin.facts import FactsAdmin, Table
from jobs.admin.job_page import formatted
from jobs.admin.owners import OwnerFilter, owner_with_lists
from jobs.admin.row_actions import RowAction, confirm_rows
from jobs.admin.showing import link_to
from jobs.interventions.schedules import resume_schedules, stop_schedules
from jobs.models import Job, Schedule, ScheduleRun
from jobs.outbound.urls import host_of
from jobs.payloads.masked import masked, secrets_of_payload
from jobs.payloads.redaction import redact
from jobs.schedules.recurrence import Recurrence
from jobs.schedules.times import next_times
from jobs.schedules.words import in_words

#: Runs and times that the page of a schedule shows.
MOST_RUNS: Final = 50
NEXT_RUNS: Final = 5
#: A schedule is overdue if its time passed longer ago: the sweep comes once a minute.
OVERDUE_AFTER: Final = timedelta(minutes=5)
#: State → color of its label.
COLORS: Final = {
    "active": "success",
    "failing": "warning",
    "paused by its owner": "",
    "paused after failures": "danger",
    "stopped by staff": "warning",
}
#: Outcome of a run → color of its label.
OUTCOME_COLORS: Final = {
    ScheduleRun.Outcome.ORDERED: "info",
    ScheduleRun.Outcome.SUCCEEDED: "success",
    ScheduleRun.Outcome.FAILED: "danger",
    ScheduleRun.Outcome.REFUSED: "danger",
    ScheduleRun.Outcome.CROWDED_OUT: "warning",
    ScheduleRun.Outcome.MISSED: "warning",
}
COLUMNS: Final = ("id", "name", "owner", "type", "state_label", "next_run_at")
STOP: Final = RowAction(
    "Stop",
    "stopped",
    "A stopped schedule no longer runs, and gives up a run that waits for room in its queue. Its owner sees that an "
    "administrator has stopped it, and cannot resume it. Jobs that were ordered continue.",
    COLUMNS,
    stop_schedules,
)
RESUME: Final = RowAction(
    "Resume",
    "resumed",
    "A resumed schedule runs again at its next time. What it has missed is not made up for. A schedule that its owner "
    "has paused is refused: only the owner resumes it.",
    COLUMNS,
    resume_schedules,
)


class ScheduleStateFilter(DropdownFilter):
    """By what a schedule does, and why it does not run."""

    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("active", "active"),
            ("failing", "active, but the last run failed"),
            ("overdue", "overdue"),
            ("owner", "paused by its owner"),
            ("failures", "paused after failures"),
            ("stopped", "stopped by staff"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        schedules = Schedule.objects.all()
        match self.value():
            case "active":
                schedules = schedules.active()
            case "failing":
                schedules = schedules.active().filter(failures__gt=0)
            case "overdue":
                schedules = schedules.active().filter(next_run_at__lt=Now() - OVERDUE_AFTER, owner__is_active=True)
            case "owner":
                schedules = schedules.filter(pause_reason=Schedule.PauseReason.OWNER).exclude(paused_at=None)
            case "failures":
                schedules = schedules.paused_after_failures()
            case "stopped":
                schedules = schedules.stopped_by_staff()
            case _:
                return queryset
        return queryset.filter(pk__in=schedules.values("pk"))


@admin.register(Schedule)
class ScheduleAdmin(FactsAdmin):
    """All schedules, newest first, each with the outcome of its latest run."""

    list_display = ("name", "state_label", "owner", "kind", "type", "next_run_at", "failures", "last_run")
    list_select_related = ("owner", "periodic_task")
    list_filter = (ScheduleStateFilter, OwnerFilter)
    open_lookups = ("kind", "type")
    text_fields = ("type", "name")
    search_help_text = "The ID or the name of a schedule, its type, or an owner's name"
    target_type = "schedule"
    colors: ClassVar = COLORS
    ordering = ("-id",)
    actions = ("stop_schedules", "resume_schedules")

    @display(description="State", label=COLORS)
    def state_label(self, schedule: Schedule) -> str:
        return self.state_of(schedule)

    @display(description="Last run", label={str(outcome): color for outcome, color in OUTCOME_COLORS.items()})
    def last_run(self, schedule: Schedule) -> str:
        return getattr(schedule, "last_outcome", None) or ""

    @admin.action(description="Stop…", permissions=["stop"])
    def stop_schedules(self, request: HttpRequest, schedules: QuerySet[Schedule]) -> HttpResponse | None:
        return confirm_rows(self, request, schedules, STOP, "stop_schedules")

    @admin.action(description="Resume…", permissions=["stop"])
    def resume_schedules(self, request: HttpRequest, schedules: QuerySet[Schedule]) -> HttpResponse | None:
        return confirm_rows(self, request, schedules, RESUME, "resume_schedules")

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("jobs.stop_schedule"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the owners, the rows of Beat and the outcomes of the latest runs."""
        runs = ScheduleRun.objects.filter(schedule=OuterRef("pk")).order_by("-scheduled_for")
        rows = super().get_queryset(request).select_related(*self.list_select_related)
        return rows.annotate(last_outcome=Subquery(runs.values("outcome")[:1]))

    def heading(self, schedule: Schedule) -> str:
        return schedule.name

    def state_of(self, schedule: Schedule) -> str:
        if schedule.paused_at is not None:
            by_owner = schedule.pause_reason == Schedule.PauseReason.OWNER
            return "paused by its owner" if by_owner else "paused after failures"
        if schedule.is_stopped_by_staff:
            return "stopped by staff"
        return "failing" if schedule.failures else "active"

    def explanation(self, schedule: Schedule) -> str:
        if not schedule.owner.is_active:
            return "Nothing runs, because the account of the owner is deactivated."
        match self.state_of(schedule):
            case "paused after failures":
                return (
                    f"It was paused after {schedule.failures} failed runs in a row. Mend the cause, which the runs "
                    "below and their jobs show, then resume it, or let its owner do so."
                )
            case "paused by its owner":
                return "Its owner has paused it, and resumes it."
            case "stopped by staff":
                return "Its row of Beat is disabled or deleted. Times pass without a run until staff resume it."
            case "failing":
                return "Its last run failed. It is paused if further runs fail, too."
        return "" if schedule.next_run_at else "No date matches its times any more."

    def facts(self, request: HttpRequest, schedule: Schedule) -> Iterable[tuple[str, object]]:
        runs = format_html(
            '<a href="{}?schedule={}">show</a>', reverse("admin:jobs_schedulerun_changelist"), schedule.pk
        )
        return [
            ("ID", schedule.pk),
            ("Owner", owner_with_lists(request, schedule.owner)),
            ("Kind, type", f"{schedule.kind}, {schedule.type}"),
            ("Runs", f"{in_words(Recurrence.from_json(schedule.recurrence))}, {schedule.time_zone}"),
            ("Next run", schedule.next_run_at),
            ("Paused", schedule.paused_at),
            ("Failed runs in a row", schedule.failures),
            ("Mail to the owner", schedule.get_mail_display()),
            ("Callback to", host_of(schedule.callback_url)),
            ("Row of Beat", link_to(request, PeriodicTask, schedule.periodic_task_id)),
            ("All runs", runs),
            ("Created", schedule.created_at),
        ]

    def tables(self, request: HttpRequest, schedule: Schedule) -> Iterable[Table]:
        zone = ZoneInfo(schedule.time_zone)
        times: list[tuple[object, ...]] = []
        if self.state_of(schedule) in ("active", "failing"):
            times = [(f"{at.astimezone(zone):%Y-%m-%d %H:%M}", at) for at in next_times(schedule, NEXT_RUNS)]
        runs = schedule.runs.select_related("job").order_by("-scheduled_for")[:MOST_RUNS]
        secrets = secrets_of_payload(schedule.kind, schedule.order.get("body"))
        return [
            Table("Next runs", (schedule.time_zone, "Your time zone"), times, "It does not run now."),
            Table(
                "Latest runs",
                ("Scheduled for", "Outcome", "Job", "State of the job", "Why"),
                [
                    (
                        run.scheduled_for,
                        f"{run.get_outcome_display()}{' (by hand)' if run.is_manual else ''}",
                        link_to(request, Job, run.job_id),
                        run.job.get_state_display() if run.job else "",
                        redact(run.reason or (run.job.error_class if run.job else ""), secrets),
                    )
                    for run in runs
                ],
                "It has not run yet.",
            ),
        ]

    def texts(self, schedule: Schedule) -> Iterable[tuple[str, str]]:
        order = {**schedule.order, "body": masked(schedule.kind, schedule.order.get("body"))}
        return [("Order", formatted(order))]

    def possible_actions(self, schedule: Schedule) -> Collection[str]:
        match self.state_of(schedule):
            case "active" | "failing":
                return ("stop_schedules",)
            case "stopped by staff" | "paused after failures":
                return ("resume_schedules",)
        return ()


@admin.register(ScheduleRun)
class ScheduleRunAdmin(FactsAdmin):
    """The runs of all schedules, newest first."""

    list_display = ("scheduled_for", "outcome_label", "schedule_name", "owner", "is_manual", "job_link", "why")
    list_filter = (("outcome", ChoicesDropdownFilter), OwnerFilter)
    owner_path = "schedule__owner"
    id_fields = ("schedule", "job")
    open_lookups = ("schedule", "job")
    search_help_text = "The ID of a schedule or of a job, or an owner's name"
    target_type = "run of a schedule"
    colors: ClassVar = {str(outcome.label): color for outcome, color in OUTCOME_COLORS.items()}
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the schedules, their owners, and the jobs."""
        return super().get_queryset(request).select_related("schedule__owner", "job")

    @display(description="Outcome", label={str(outcome): color for outcome, color in OUTCOME_COLORS.items()})
    def outcome_label(self, run: ScheduleRun) -> str:
        return run.outcome

    @admin.display(description="Schedule")
    def schedule_name(self, run: ScheduleRun) -> str:
        return run.schedule.name

    @admin.display(description="Owner")
    def owner(self, run: ScheduleRun) -> str:
        return run.schedule.owner.get_username()

    @admin.display(description="Job")
    def job_link(self, run: ScheduleRun) -> str:
        if run.job_id is None:
            return ""
        return format_html(
            '<a class="lh-link" href="{}">{}</a>', reverse("admin:jobs_job_change", args=[run.job_id]), run.job_id
        )

    @admin.display(description="Why")
    def why(self, run: ScheduleRun) -> str:
        """The reason of a refusal, else the class of the error of the job."""
        text = run.reason or (run.job.error_class if run.job else "")
        return redact(text, secrets_of_payload(run.schedule.kind, run.schedule.order.get("body")))

    def heading(self, run: ScheduleRun) -> str:
        return f"Run of {run.schedule.name}"

    def state_of(self, run: ScheduleRun) -> str:
        return run.get_outcome_display()

    def facts(self, request: HttpRequest, run: ScheduleRun) -> Iterable[tuple[str, object]]:
        return [
            ("Scheduled for", run.scheduled_for),
            ("Started by hand", "yes" if run.is_manual else "no"),
            ("Schedule", link_to(request, Schedule, run.schedule_id, run.schedule.name)),
            ("Owner", owner_with_lists(request, run.schedule.owner)),
            ("Job", link_to(request, Job, run.job_id)),
            ("State of the job", run.job and run.job.get_state_display()),
            ("Why", self.why(run)),
        ]
