"""Rows that a fresh database needs: queues and schedules. Made once; from then on they are the operator's."""

from dataclasses import asdict
from typing import Any, Final

from django.conf import settings

from jobs.kinds import QueueDials, queue_dials, queues_of_jobs

#: Of a queue whose kind is not there yet.
RESERVED: Final = {"uploads": QueueDials(max_running=2)}

#: task, seconds between ticks
SCHEDULES = (
    ("jobs.release_due_jobs", 5),
    ("jobs.republish_lost_jobs", 10),
    ("jobs.retry_failed_jobs", 5),
    ("jobs.rescue_orphaned_jobs", 10),
    ("jobs.announce_ended_jobs", 5),
    ("jobs.cancel_jobs_of_deactivated_owners", 30),
    ("jobs.count_activity", 15),
    ("jobs.index_payloads", 60),
    ("jobs.encrypt_secrets", 10),
    ("jobs.expire_artifacts", 300),
    ("jobs.remove_orphan_files", 60),
    ("jobs.prune_jobs", 300),
    ("jobs.prune_bulk_runs", 300),
    ("jobs.prune_callback_hosts", 300),
)

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

    for task, seconds in SCHEDULES:
        interval, _ = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
        PeriodicTask.objects.get_or_create(
            name=task,
            defaults={
                "task": task,
                "interval": interval,
                "queue": settings.CELERY_TASK_DEFAULT_QUEUE,
                "expire_seconds": TICK_EXPIRES_SECONDS,
            },
        )
