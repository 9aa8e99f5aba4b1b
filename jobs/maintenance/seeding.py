"""Rows that a fresh database needs: queues and schedules. Made once; from then on they are the operator's."""

from dataclasses import asdict
from typing import Any, Final

from django.conf import settings

from jobs.kinds import QueueDials, queue_dials, queues_of_jobs

#: Of a queue whose kind is not there yet.
RESERVED: Final = {"uploads": QueueDials(max_running=2)}

#: A tick that waits longer than this is dropped, so that a day without workers leaves no flood. It is long
#: because Celery compares the clocks of two machines here. Seconds.
TICK_EXPIRES_SECONDS = 4 * 3600


def seed_queues(**kwargs: Any) -> None:
    """Make the missing queues, including those that the variable QUEUES names, with the dials that their kinds give."""
    from jobs.models import Queue

    dials = RESERVED | queue_dials()
    for name in queues_of_jobs():
        Queue.objects.get_or_create(name=name, defaults=asdict(dials.get(name, QueueDials())))


def seed_schedules(**kwargs: Any) -> None:
    """Make the schedules that are missing."""
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    from jobs.maintenance.sweeps import SWEEPS

    for sweep in SWEEPS.values():
        interval, _ = IntervalSchedule.objects.get_or_create(every=sweep.every_seconds, period=IntervalSchedule.SECONDS)
        PeriodicTask.objects.get_or_create(
            name=sweep.task,
            defaults={
                "task": sweep.task,
                "interval": interval,
                "queue": settings.CELERY_TASK_DEFAULT_QUEUE,
                "expire_seconds": TICK_EXPIRES_SECONDS,
            },
        )
