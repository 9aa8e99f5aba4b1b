"""The rows of Celery Beat that ring for schedules. Staff see them in the admin, and may disable them there."""

from __future__ import annotations

import json
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from jobs.models import Schedule
from jobs.schedules.recurrence import Recurrence, crontab_fields

#: The name of the task that Beat starts for a schedule. It must not change.
TASK: Final = "jobs.run_schedule"
#: A later message is of no use, because the sweep has found the run. Clocks may differ: then the sweep finds it, too.
#: Seconds.
EXPIRES_SECONDS: Final = 600


def save_beat_row(schedule: Schedule) -> None:
    """Create or change the row of a schedule. It is enabled unless the schedule is paused. Saves `periodic_task`."""
    crontab = _crontab(schedule)
    values = {
        "task": TASK,
        "crontab": crontab,
        "args": json.dumps([str(schedule.pk)]),
        "queue": settings.CELERY_TASK_DEFAULT_QUEUE,
        "expire_seconds": EXPIRES_SECONDS,
        "enabled": schedule.paused_at is None,
        "description": f"{schedule.kind} {schedule.type} of {schedule.owner.get_username()}: {schedule.name}",
    }
    row, _ = PeriodicTask.objects.update_or_create(name=f"Schedule {schedule.pk}", defaults=values)
    Schedule.objects.filter(pk=schedule.pk).update(periodic_task=row)
    schedule.periodic_task = row


def disable_beat_row(schedule: Schedule) -> None:
    """Disable the row of a schedule that has been paused."""
    if schedule.periodic_task is not None and schedule.periodic_task.enabled:
        schedule.periodic_task.enabled = False
        schedule.periodic_task.save()


def delete_beat_row(schedule_id: UUID) -> None:
    """Delete the row of a schedule that no longer exists."""
    PeriodicTask.objects.filter(name=f"Schedule {schedule_id}", task=TASK).delete()


def _crontab(schedule: Schedule) -> CrontabSchedule:
    """A row of this crontab. Others may use it, too, so it is never changed or deleted: Beat would lose their tasks."""
    fields = crontab_fields(Recurrence.from_json(schedule.recurrence))
    fields_in_zone = {**fields, "timezone": ZoneInfo(schedule.time_zone)}
    found = CrontabSchedule.objects.filter(**fields_in_zone).order_by("pk").first()
    return found or CrontabSchedule.objects.create(**fields_in_zone)
