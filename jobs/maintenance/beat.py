"""Celery Beat's scheduler: django-celery-beat's, except that a bad row does not stop it."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import structlog
from celery.schedules import schedstate
from django.db import InterfaceError, OperationalError
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry
from django_celery_beat.utils import NEVER_CHECK_TIMEOUT

from jobs.maintenance.schedules import ReadSchedule, enabled_schedules
from jobs.payloads.redaction import in_one_line

logger = structlog.get_logger(__name__)


class SafeEntry(ModelEntry):  # type: ignore[misc]  # django-celery-beat has no types
    """A schedule. Beat writes only its own columns: it neither validates the others nor overwrites an edit of them."""

    last_run_at: datetime

    def __init__(self, model: PeriodicTask, app: Any = None) -> None:
        super().__init__(model, app=app)
        self._not_in_the_future()

    def is_due(self) -> Any:
        """Whether the schedule is due, and when to check again. The clock may have been set back meanwhile."""
        self._not_in_the_future()
        if self.model.one_off and self.model.enabled and self.model.total_run_count > 0:
            self._disable(self.model, total_run_count=0)
            return schedstate(False, NEVER_CHECK_TIMEOUT)
        return super().is_due()

    def _not_in_the_future(self) -> None:
        """Correct a last run in the future (the clock was set back, or the row edited), which would delay the next."""
        self.last_run_at = self.model.last_run_at = min(self.last_run_at, self._default_now())

    def save(self) -> None:
        """Write when the schedule ran last, and how often."""
        columns = {"last_run_at": self.model.last_run_at, "total_run_count": self.model.total_run_count}
        PeriodicTask.objects.filter(pk=self.model.pk, enabled=True).update(**columns)

    def _disable(self, model: PeriodicTask, **columns: int) -> None:
        """Disable a row that has expired or has run once, unless it was edited since: then Beat reads it again."""
        unedited = PeriodicTask.objects.filter(pk=model.pk, date_changed=model.date_changed)
        unedited.update(enabled=False, last_run_at=None, **columns)
        model.enabled = False


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """Skips a row that it cannot run, and logs that once; `jobs.monitoring.troubles` shows it in the admin."""

    Entry = SafeEntry

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._skipped: dict[int, str] = {}
        self._read_again = False
        self._ticked_at = 0.0
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Run what is due; returns the seconds until the next check.

        If the clock was set back, rebuild the heap of schedules: its old order would delay some schedules for long.
        """
        now = time.time()
        if now < self._ticked_at:
            logger.warning("clock_set_back", seconds=round(self._ticked_at - now, 3))
            self._heap = None
        self._ticked_at = now
        return super().tick(*args, **kwargs)

    def all_as_schedule(self) -> dict[str, SafeEntry]:
        """All rows that can be run. If the database does not answer, those of the last read."""
        try:
            rows = enabled_schedules()
        except (OperationalError, InterfaceError) as error:
            if self._schedule is None:
                raise
            logger.warning("schedules_not_read", error=in_one_line(error))
            self._read_again = True
            return dict(self._schedule)
        self._read_again = False
        entries = {row.name: entry for row in rows if (entry := self._entry(row)) is not None}
        for pk in self._skipped.keys() - {row.pk for row in rows}:
            del self._skipped[pk]
        return entries

    def schedule_changed(self) -> bool:
        """Whether to read the schedules: after a change, and after a failed read."""
        return bool(super().schedule_changed()) or self._read_again

    def apply_entry(self, entry: SafeEntry, producer: Any = None) -> None:
        """Send a task. A failure is logged in one line, and the next run tries again."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except Exception as error:  # Celery wraps whatever the broker's client raises
            logger.error("schedule_not_sent", name=entry.name, task=entry.task, error=in_one_line(error))

    def _entry(self, row: ReadSchedule) -> SafeEntry | None:
        fault = row.fault
        if row.task is not None and not fault:
            try:
                entry = SafeEntry(row.task, app=self.app)
            except Exception as error:  # a fault that `jobs.maintenance.schedules` does not detect
                fault = in_one_line(error) or type(error).__name__
            else:
                self._skipped.pop(row.pk, None)
                return entry
        if self._skipped.get(row.pk) != fault:
            self._skipped[row.pk] = fault
            logger.error("schedule_skipped", name=row.name, pk=row.pk, fault=fault)
        return None
