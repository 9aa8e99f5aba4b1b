"""What pages read of schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import OuterRef, QuerySet, Subquery

from jobs.models import Schedule, ScheduleRun

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def schedules_of(owner: AbstractBaseUser) -> QuerySet[Schedule]:
    """All schedules of a user, the newest first, with `last_outcome` and `last_at` of the latest run. One query."""
    runs = ScheduleRun.objects.filter(schedule=OuterRef("pk")).order_by("-scheduled_for")
    return (
        Schedule.objects.filter(owner=owner.pk)
        .select_related("periodic_task", "owner")
        .annotate(last_outcome=Subquery(runs.values("outcome")[:1]), last_at=Subquery(runs.values("scheduled_for")[:1]))
        .order_by("-pk")
    )


def next_runs_of(owner: AbstractBaseUser) -> QuerySet[Schedule]:
    """The schedules of a user that will run, the soonest first: `name` and `next_run_at` of each. One query."""
    return Schedule.objects.active().filter(owner=owner.pk).order_by("next_run_at", "pk")
