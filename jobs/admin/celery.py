"""Celery's schedules and results in the admin's theme."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django_celery_beat import admin as beat
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from django_celery_results.models import GroupResult, TaskResult
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from jobs.admin.audited import AuditedMixin
from jobs.admin.read_only import ReadOnlyAdmin, replace


class TaskSelect(UnfoldAdminSelectWidget, beat.TaskSelectWidget):
    """The tasks that are registered."""


class PeriodicTaskForm(beat.PeriodicTaskForm):
    """Beat's own form with the theme's widgets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


@replace(PeriodicTask)
class PeriodicTaskAdmin(AuditedMixin, beat.PeriodicTaskAdmin, ModelAdmin):
    """When Beat rings which sweep. Its actions (enable, disable, run) are changes."""

    form = PeriodicTaskForm
    change_form_template = "admin/change_form.html"  # without an inline script that only repeats a help text

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """None for who may only look: django-celery-beat's actions ask for no permission of their own."""
        actions: dict[str, Any] = super().get_actions(request)
        return actions if self.has_change_permission(request) else {}


@replace(IntervalSchedule, CrontabSchedule, SolarSchedule)
class ScheduleAdmin(AuditedMixin, beat.ScheduleAdmin, ModelAdmin):
    """Intervals, and times of the day."""


@replace(ClockedSchedule)
class ClockedScheduleAdmin(AuditedMixin, beat.ClockedScheduleAdmin, ModelAdmin):
    """Points in time."""


@replace(TaskResult)
class TaskResultAdmin(ReadOnlyAdmin):
    """What Celery says of its tasks. The state of a job stands in its own row, not here."""

    list_display = ("task_id", "task_name", "status", "worker", "date_created", "date_done")
    list_filter = ("status", "task_name")
    search_fields = ("task_id",)
    ordering = ("-id",)


@replace(GroupResult)
class GroupResultAdmin(ReadOnlyAdmin):
    """Longhaul makes none; an app of yours may."""

    list_display = ("group_id", "date_done")
    search_fields = ("group_id",)
    ordering = ("-id",)
