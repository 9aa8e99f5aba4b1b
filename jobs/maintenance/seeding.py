"""Rows that a fresh database needs: queues and schedules. Made once; from then on they are the operator's."""

from typing import Any

from django.conf import settings

#: name, max_running, max_running_per_type, statement_timeout_seconds. The type of a callback is a bucket of hosts.
QUEUES = (
    ("reports", 4, None, 3600),
    ("uploads", 2, None, 3600),
    ("callbacks", 32, 2, 60),
    ("operations", 4, None, 60),
)

#: Queues of Celery that no job is ever in.
WITHOUT_JOBS = {"housekeeping"}

#: The dials of a queue that QUEUES names: those of reports.
FURTHER_QUEUE = QUEUES[0][1:]

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
    """Make the queues that are missing, those that QUEUES names among them."""
    from jobs.models import Queue

    known = {name for name, *_ in QUEUES} | WITHOUT_JOBS
    further = [(name, *FURTHER_QUEUE) for name in settings.QUEUE_NAMES if name not in known]
    for name, max_running, per_type, timeout in (*QUEUES, *further):
        dials = {"max_running": max_running, "max_running_per_type": per_type, "statement_timeout_seconds": timeout}
        Queue.objects.get_or_create(name=name, defaults=dials)


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
                "queue": "housekeeping",
                "expire_seconds": TICK_EXPIRES_SECONDS,
            },
        )
