"""The runs of the sweeps."""

from django.contrib import admin

from jobs.admin.read_only import ReadOnlyAdmin
from jobs.models import Sweep


@admin.register(Sweep)
class SweepAdmin(ReadOnlyAdmin):
    """All sweeps. Their schedules are the periodic tasks of the same name."""

    list_display = ("name", "last_started_at", "last_finished_at", "last_handled", "last_error")
