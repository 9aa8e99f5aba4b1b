"""Celery's schedules and results in the admin's theme."""

from __future__ import annotations

from typing import Any

from celery import current_app
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_celery_beat import admin as beat
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from django_celery_results.models import GroupResult, TaskResult
from kombu.utils.json import loads
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from jobs.admin.audited import AuditedMixin
from jobs.admin.read_only import ReadOnlyAdmin, replace_admin
from jobs.maintenance.schedules import KINDS_OF_SCHEDULE, fault_of_schedule, faults_of
from jobs.payloads.redaction import in_one_line


class TaskSelect(UnfoldAdminSelectWidget, beat.TaskSelectWidget):
    """A choice of the registered tasks."""


class PeriodicTaskForm(beat.PeriodicTaskForm):
    """Beat's own form with the theme's widgets. It refuses to enable a schedule that Beat cannot run."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()

    def clean_args(self) -> Any:
        """Skip Beat's own check: `faults_of` checks this field together with all others."""
        return self.cleaned_data["args"]

    def clean_kwargs(self) -> Any:
        return self.cleaned_data["kwargs"]

    def clean(self) -> dict[str, Any]:
        """A task that was chosen from the list has precedence over one that was typed."""
        data: dict[str, Any] = forms.ModelForm.clean(self) or self.cleaned_data
        if chosen := data.get("regtask"):
            data["task"] = chosen
        return data

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.instance.enabled:
            add_schedule_errors(self, faults_of(self.instance))


class ScheduleForm(forms.ModelForm):
    """Refuses an interval, a crontab, a solar event or a clocked time without a next run."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # a hook that Django's stubs leave out
        if not self.errors and (fault := fault_of_schedule(self.instance)):
            self.add_error(None, fault)


def add_schedule_errors(form: forms.ModelForm, faults: dict[str, str]) -> None:
    """Show each fault at its field, unless the form has already found an error there."""
    for field, fault in faults.items():
        if field not in form.errors and not (field in KINDS_OF_SCHEDULE and NON_FIELD_ERRORS in form.errors):
            form.add_error(field if field in form.fields else None, fault)


@replace_admin(PeriodicTask)
class PeriodicTaskAdmin(AuditedMixin, beat.PeriodicTaskAdmin, ModelAdmin):
    """The schedules of Beat. The actions (enable, disable, run) require the permission to change."""

    form = PeriodicTaskForm
    actions = ("enable_tasks", "disable_tasks", "run_tasks")
    change_form_template = "admin/change_form.html"  # without an inline script that only repeats a help text

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """No actions without the permission to change, which those of django-celery-beat do not check."""
        actions: dict[str, Any] = super().get_actions(request)
        return actions if self.has_change_permission(request) else {}

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Skip django-celery-beat's translation of all crontabs, which our template does not show."""
        return super(beat.PeriodicTaskAdmin, self).changeform_view(request, *args, **kwargs)

    @admin.display(description=_("Human readable"))
    def crontab_translation(self, obj: PeriodicTask) -> str:
        return in_words(obj.crontab) if obj.crontab else ""

    @admin.action(description=_("Enable selected tasks"), permissions=["change"])
    def enable_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Enable the tasks that Beat can run, and name the others."""
        faulty = {task.pk: found for task in queryset.select_related(*KINDS_OF_SCHEDULE) if (found := faults_of(task))}
        for task in queryset.filter(pk__in=faulty):
            messages.error(request, f"{task.name} was not enabled. {' '.join(faulty[task.pk].values())}")
        super().enable_tasks(request, queryset.exclude(pk__in=faulty))

    @admin.action(description=_("Run selected tasks"), permissions=["change"])
    def run_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Send each task once, now, and name those that cannot be sent."""
        for task in queryset.select_related(*KINDS_OF_SCHEDULE):
            faults = {field: fault for field, fault in faults_of(task).items() if field in MESSAGE_FIELDS}
            if faults:
                messages.error(request, f"{task.name} was not sent. {' '.join(faults.values())}")
                continue
            try:
                send_now(task)
            except Exception as error:  # the broker's client may raise anything
                messages.error(request, f"{task.name} was not sent: {in_one_line(error)}")
            else:
                messages.success(request, f"{task.name} was sent.")


#: Fields of a periodic task that its message is built from.
MESSAGE_FIELDS = ("task", "args", "kwargs", "headers", "queue", "exchange", "routing_key", "priority")


def send_now(task: PeriodicTask) -> None:
    """Send the message that Beat would send. Raises what the broker's client raises."""
    headers = {**loads(task.headers or "{}"), "periodic_task_name": task.name}
    options = {"queue": task.queue} if task.queue else {}
    current_app.send_task(
        task.task, args=loads(task.args or "[]"), kwargs=loads(task.kwargs or "{}"), headers=headers, **options
    )


def in_words(crontab: CrontabSchedule) -> str:
    """A crontab in words; empty if it cannot be parsed."""
    try:
        return str(crontab.human_readable)
    except Exception:  # two parsers may raise anything for values that a form would refuse
        return ""


@replace_admin(IntervalSchedule, SolarSchedule)
class ScheduleAdmin(AuditedMixin, beat.ScheduleAdmin, ModelAdmin):
    """Intervals and solar events."""

    form = ScheduleForm


@replace_admin(CrontabSchedule)
class CrontabScheduleAdmin(ScheduleAdmin):
    """Crontabs."""

    list_display = ("__str__", "description")

    @admin.display(description=_("Human readable"))
    def description(self, crontab: CrontabSchedule) -> str:
        return in_words(crontab)


@replace_admin(ClockedSchedule)
class ClockedScheduleAdmin(AuditedMixin, beat.ClockedScheduleAdmin, ModelAdmin):
    """Points in time."""

    form = ScheduleForm


@replace_admin(TaskResult)
class TaskResultAdmin(ReadOnlyAdmin):
    """Celery's own results. The state of a job is in the job's row, not here."""

    list_display = ("task_id", "task_name", "status", "worker", "date_created", "date_done")
    list_filter = ("status", "task_name")
    search_fields = ("task_id",)
    ordering = ("-id",)


@replace_admin(GroupResult)
class GroupResultAdmin(ReadOnlyAdmin):
    """Longhaul creates none; your own app may."""

    list_display = ("group_id", "date_done")
    search_fields = ("group_id",)
    ordering = ("-id",)
