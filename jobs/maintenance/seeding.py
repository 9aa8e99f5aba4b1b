"""Rows that a fresh database needs: queues and schedules. They are created once; from then on, operators own them."""

from dataclasses import asdict
from typing import Any

from django.conf import settings

from jobs.kinds import QueueDials, queue_dials, queues_of_jobs

#: Messages of schedules expire after this, so that a day without workers leaves no flood of them. It is long because
#: Celery compares the clocks of two machines. Seconds.
TICK_EXPIRES_SECONDS = 4 * 3600


def seed_queues(**kwargs: Any) -> None:
    """Create missing queues, including those of the variable QUEUES, with the dials of their kinds."""
    from jobs.models import Queue

    dials = queue_dials()
    for name in queues_of_jobs():
        Queue.objects.get_or_create(name=name, defaults=asdict(dials.get(name, QueueDials())))


def seed_schedules(**kwargs: Any) -> None:
    """Create missing schedules."""
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    from jobs.maintenance.sweeps import SWEEPS

    queue = settings.CELERY_TASK_DEFAULT_QUEUE
    for sweep in SWEEPS.values():
        interval, _ = IntervalSchedule.objects.get_or_create(every=sweep.every_seconds, period=IntervalSchedule.SECONDS)
        defaults = {"task": sweep.task, "interval": interval, "queue": queue, "expire_seconds": TICK_EXPIRES_SECONDS}
        PeriodicTask.objects.get_or_create(name=sweep.task, defaults=defaults)
