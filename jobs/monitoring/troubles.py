"""The current problems: a sentence for each, with buttons for its cause and its remedies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from django.db.models.functions import Now
from django.utils import timezone

from jobs.dispatch.publish_failures import failures_now
from jobs.dispatch.refusals import refused_within_the_hour
from jobs.durations import in_words
from jobs.files.damage import damaged_files
from jobs.files.room import storage_shortage
from jobs.maintenance.schedules import enabled_schedules
from jobs.models import Job, Schedule
from jobs.models.bulk import BulkRun, Stage
from jobs.monitoring.agreement import queue_mismatches
from jobs.monitoring.doorbell import redis_error
from jobs.monitoring.overview import BOUND, QueueFigures, SweepState, capped
from jobs.monitoring.queue_troubles import jobs_are, troubles_of_queue, troubles_of_types
from jobs.monitoring.remedies import Remedy, Trouble, show_jobs
from jobs.states import State

#: The admin's page of a schedule, and who may open it.
SCHEDULE: Final = "django_celery_beat_periodictask_change"
MAY_SEE_SCHEDULES: Final = "django_celery_beat.view_periodictask"
#: A schedule that was paused after failures is named for so long: its owner was told, too.
PAUSED_WITHIN: Final = timedelta(days=1)
#: At most this many bulk runs are named.
MOST_NAMED: Final = 5


def troubles(queues: Iterable[QueueFigures], sweeps: Iterable[SweepState]) -> list[Trouble]:
    """All current problems. Twelve queries, and a check of Redis with a time limit."""
    queues, refused = list(queues), refused_within_the_hour()
    found = list(_troubles_of_redis())
    mismatches = queue_mismatches()
    unserved = {mismatch.queue for mismatch in mismatches if mismatch.queue}
    for queue in queues:
        is_served = queue.name not in unserved
        found += troubles_of_queue(queue, refused=refused.get(queue.name, 0), is_served=is_served)
    found += [*troubles_of_types(), *_troubles_of_jobs(), *_troubles_of_sweeps(sweeps), *_troubles_of_bulk_runs()]
    known = {queue.name for queue in queues}
    for mismatch in mismatches:
        if mismatch.queue not in known:
            found.append(Trouble(mismatch.text, "jobs_queue_changelist", advice=mismatch.advice))
    found += [*_troubles_of_publishing(), *_troubles_of_schedules()]
    if shortage := storage_shortage():
        found.append(Trouble(shortage, "jobs_artifact_changelist"))
    return [*found, *_troubles_of_files()]


def _troubles_of_redis() -> Iterator[Trouble]:
    if error := redis_error():
        yield Trouble(
            error,
            advice="Orders are still accepted and kept in PostgreSQL; they start on their own once Redis works again. "
            "Restart Redis, or give it more memory. Nothing needs to be requeued.",
        )


def _troubles_of_jobs() -> Iterator[Trouble]:
    for name, trouble, sweep in (
        ("orphaned", "running although {} worker no longer responds", "rescue_orphaned_jobs"),
        ("overdue", "overdue for {} retry", "retry_failed_jobs"),
    ):
        count = getattr(Job.objects, name)()[:BOUND].count()
        if count:
            what = trouble.format("its" if count == 1 else "their")
            text = f"{jobs_are(count)} {what}, and the sweep {sweep} is late."
            yield Trouble(text, remedies=(show_jobs(trouble=name),))


def _troubles_of_sweeps(sweeps: Iterable[SweepState]) -> Iterator[Trouble]:
    for sweep in sweeps:
        if sweep.error:
            yield Trouble(f"The sweep {sweep.name} fails: {sweep.error}", "jobs_sweep_changelist")
        elif sweep.is_late:
            ago = sweep.last_finished_at and in_words(timezone.now() - sweep.last_finished_at)
            last = f"last ran {ago} ago, but should run every {in_words(sweep.period)}" if ago else "has never run"
            advice = "Check that Beat is running, and a worker that consumes the queue housekeeping."
            yield Trouble(f"The sweep {sweep.name} {last}.", "jobs_sweep_changelist", advice=advice)


def _troubles_of_files() -> Iterator[Trouble]:
    if count := damaged_files()[:BOUND].count():
        noun, verb, has, it = ("file", "is", "has", "It") if count == 1 else ("files", "are", "have", "They")
        yield Trouble(
            f"{capped(count)} {noun} {verb} missing from storage, or {has} the wrong size. {it} cannot be downloaded.",
            "jobs_artifact_changelist",
            "damaged=yes",
            advice="Check that the storage is mounted, and restore the files from the backup.",
        )


def _troubles_of_bulk_runs() -> Iterator[Trouble]:
    stuck = BulkRun.objects.filter(stage__in=(Stage.HALTED, Stage.PAUSED)).values_list("pk", "stage", "note")
    for pk, stage, note in stuck[:MOST_NAMED]:
        button = Remedy("Open the bulk run", "jobs_bulkrun_change", (pk,), permissions=("jobs.view_bulkrun",))
        yield Trouble(f"Bulk run {pk} is {stage}. {note}".strip(), remedies=(button,))


def _troubles_of_publishing() -> Iterator[Trouble]:
    for failure in failures_now():
        text = f"Jobs in the queue {failure.queue} cannot be handed to workers."
        advice = f"Publishing fails with {failure.error_class}: {failure.message}"
        yield Trouble(text, advice=advice, remedies=(show_jobs(state=State.QUEUED, queue=failure.queue),))


def _troubles_of_schedules() -> Iterator[Trouble]:
    for row in enabled_schedules():
        if row.fault:
            button = Remedy("Open the schedule", SCHEDULE, (row.pk,), permissions=(MAY_SEE_SCHEDULES,))
            text = f"Beat skips the schedule {row.name}, because it cannot be run. {row.fault}"
            yield Trouble(text, remedies=(button,))
    paused = Schedule.objects.paused_after_failures().filter(paused_at__gt=Now() - PAUSED_WITHIN)
    if count := paused[:BOUND].count():
        what = "schedule was" if count == 1 else "schedules were"
        why = "its runs" if count == 1 else "their runs"
        yield Trouble(
            f"{capped(count)} {what} paused within the last day, because {why} kept failing.",
            "jobs_schedule_changelist",
            "state=failures",
            advice="The page of a schedule has its runs and their jobs. Mend the cause, then resume it.",
        )
