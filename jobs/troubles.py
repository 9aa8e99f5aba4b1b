"""What is wrong now: a sentence for each trouble, with the buttons that lead to its cause and to its cure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from jobs.agreement import disagreements
from jobs.bulk.models import BulkRun, Stage
from jobs.circumstances import lack_of_room
from jobs.damage import damaged_files
from jobs.doorbell import complaint_of_redis
from jobs.durations import in_words
from jobs.models import Job
from jobs.overview import BOUND, QueueFigures, SweepState, counted, type_states
from jobs.publish_failures import failures_now
from jobs.refusals import refused_within_the_hour
from jobs.remedies import Remedy, change_jobs, resume_queue, set_dial, set_type_dial, show_jobs, show_list
from jobs.schedules import enabled_schedules
from jobs.states import State

#: A wait that is worth a word. Seconds.
LONG_WAIT: Final = 900
#: A job that was handed out is claimed within milliseconds where a worker is free. Seconds.
UNCLAIMED_WAIT: Final = 30
#: A share of failed attempts that is worth a word, of how many attempts at least.
HIGH_FAILURE_RATE: Final = 0.2
FEW_ATTEMPTS: Final = 5
#: The admin's page of a schedule, and who may open it.
SCHEDULE: Final = "django_celery_beat_periodictask_change"
MAY_SEE_SCHEDULES: Final = "django_celery_beat.view_periodictask"
#: Bulk runs, and types, that are named at most.
MOST_NAMED: Final = 5


@dataclass(frozen=True)
class Trouble:
    """What is wrong now, in a sentence. `page` is the list of the admin that shows it, `query` its query string.

    `advice` says what to do where no button can; `remedies` are further buttons.
    """

    text: str
    page: str = ""
    query: str = ""
    advice: str = ""
    remedies: tuple[Remedy, ...] = ()

    def remedies_for(self, user: AbstractBaseUser | AnonymousUser) -> list[Remedy]:
        """The buttons that this person may press, the one that shows the cause first."""
        shown = (show_list(self.page, self.query),) if self.page else ()
        return [remedy for remedy in (*shown, *self.remedies) if remedy.is_for(user)]


def troubles(queues: Iterable[QueueFigures], sweeps: Iterable[SweepState]) -> list[Trouble]:
    """What is wrong now; nothing, when all is well. Eleven queries, and a look at Redis that is bounded in time."""
    refused = refused_within_the_hour()
    found = list(_troubles_of_redis())
    for queue in queues:
        found += _troubles_of(queue, refused=refused.get(queue.name, 0))
    found += _troubles_of_types()
    found += _troubles_of_jobs()
    found += _troubles_of_sweeps(sweeps)
    found += _troubles_of_bulk_runs()
    found += _troubles_of_queue_names()
    found += _troubles_of_publishing()
    found += _troubles_of_schedules()
    if lack := lack_of_room():
        found.append(Trouble(lack, "jobs_artifact_changelist"))
    found += _troubles_of_files()
    return found


def jobs_are(count: int) -> str:
    """`1 job is`, `1,234 jobs are`."""
    return f"{counted(count)} job{'' if count == 1 else 's'} {'is' if count == 1 else 'are'}"


def _troubles_of_redis() -> Iterator[Trouble]:
    if complaint := complaint_of_redis():
        yield Trouble(
            complaint,
            advice="Orders are accepted and kept in PostgreSQL; they start by themselves once Redis works again. "
            "Restart Redis, or give it room. Nothing needs to be requeued.",
        )


def _troubles_of(queue: QueueFigures, *, refused: int) -> Iterator[Trouble]:
    if queue.dead:
        yield _dead(queue)
    yield from _waiting_too_long(queue)
    yield from _refusing(queue, refused)
    if queue.hour.attempts >= FEW_ATTEMPTS and queue.hour.failure_rate >= HIGH_FAILURE_RATE:
        rate = f"{queue.hour.failure_rate:.0%}"
        yield Trouble(
            f"{rate} of the attempts in the queue {queue.name} failed within the last hour.", "jobs_job_groups"
        )


def _dead(queue: QueueFigures) -> Trouble:
    dead = {"state": State.DEAD.value, "queue": queue.name}
    noun, verb, it = ("job", "is", "it") if queue.dead == 1 else ("jobs", "are", "they")
    return Trouble(
        f"{counted(queue.dead)} {noun} in the queue {queue.name} {verb} dead: "
        f"{it} will not be tried again until a person decides.",
        remedies=(
            show_jobs(**dead),
            show_list("jobs_job_groups"),
            change_jobs("Requeue all…", BulkRun.Act.REQUEUE, **dead),
            change_jobs("Discard all…", BulkRun.Act.DISCARD, **dead),
        ),
    )


def _waiting_too_long(queue: QueueFigures) -> Iterator[Trouble]:
    name, waited = queue.name, in_words(queue.oldest_wait or 0.0)
    jobs = show_jobs(state=State.QUEUED, queue=name)
    more = set_dial("Raise the limit…", name, "max_running")
    if queue.paused:
        text = f"The queue {name} is paused: nothing in it starts, and {jobs_are(queue.waiting)} waiting."
        yield Trouble(text, remedies=(jobs, resume_queue(name)))
    elif queue.max_running == 0:
        text = f"The queue {name} may run no jobs at all, and {jobs_are(queue.waiting)} waiting."
        yield Trouble(text, remedies=(jobs, more))
    elif queue.handed_out and not queue.running and (queue.oldest_wait or 0.0) > UNCLAIMED_WAIT:
        text = f"No worker takes jobs from the queue {name}; the oldest has waited for {waited}."
        advice = f"Start a worker that consumes {name}. If one runs, restart it and read its log."
        yield Trouble(text, advice=advice, remedies=(jobs,))
    elif queue.oldest_wait is not None and queue.oldest_wait > LONG_WAIT:
        text = f"The oldest job in the queue {name} has waited for {waited}."
        if queue.max_running is not None and queue.running >= queue.max_running:
            yield Trouble(f"{text} All {queue.max_running} places are taken.", remedies=(jobs, more))
        else:
            yield Trouble(text, remedies=(jobs,))


def _refusing(queue: QueueFigures, refused: int) -> Iterator[Trouble]:
    name = queue.name
    jobs = show_jobs(state=State.QUEUED, queue=name)
    if not queue.accepting:
        text = f"The queue {name} is closed: new orders are refused."
        yield Trouble(text, remedies=(set_dial("Open it…", name, "accepting"),))
    elif queue.is_full:
        most = counted(queue.max_queued or 0)
        text = f"The queue {name} is full: {counted(queue.queued)} of at most {most} jobs are waiting,"
        more = set_dial("Raise the limit…", name, "max_queued")
        yield Trouble(f"{text} and new orders are refused.", remedies=(jobs, more))
    if refused:
        text = f"The queue {name} refused {counted(refused)} order{'' if refused == 1 else 's'} within the last hour."
        yield Trouble(text, remedies=(jobs, set_dial("Change the limits…", name, "max_queued")))


def _troubles_of_types() -> Iterator[Trouble]:
    """Types that an operator has paused or closed, or set a limit for that is reached."""
    for dials in type_states():
        name, jobs = dials.type, show_jobs(state=State.QUEUED, type=dials.type)
        if dials.paused:
            text = f"The type {name} is paused: {jobs_are(dials.queued)} waiting."
            yield Trouble(text, remedies=(jobs, set_type_dial("Resume…", dials.pk, "paused")))
        if not dials.accepting:
            text = f"The type {name} is closed: new orders of it are refused."
            yield Trouble(text, remedies=(set_type_dial("Open it…", dials.pk, "accepting"),))
        elif dials.max_queued is not None and dials.queued >= dials.max_queued:
            text = f"The type {name} is full: {counted(dials.queued)} of at most {counted(dials.max_queued)} jobs are"
            yield Trouble(
                f"{text} waiting, and new orders of it are refused.",
                remedies=(jobs, set_type_dial("Raise the limit…", dials.pk, "max_queued")),
            )


def _troubles_of_jobs() -> Iterator[Trouble]:
    for name, trouble, sweep in (
        ("orphaned", "running although {} worker has not been heard of", "rescue_orphaned_jobs"),
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
            advice = "See whether Beat runs, and a worker that consumes the queue housekeeping."
            yield Trouble(f"The sweep {sweep.name} {last}.", "jobs_sweep_changelist", advice=advice)


def _troubles_of_files() -> Iterator[Trouble]:
    if count := damaged_files()[:BOUND].count():
        noun, verb, has, it = ("file", "is", "has", "It") if count == 1 else ("files", "are", "have", "They")
        yield Trouble(
            f"{counted(count)} {noun} {verb} missing from storage, or {has} the wrong size. {it} cannot be downloaded.",
            "jobs_artifact_changelist",
            "damaged_at__isempty=0&deleted_at__isempty=1",
            advice="Look whether the storage is mounted, and restore the files from the backup.",
        )


def _troubles_of_bulk_runs() -> Iterator[Trouble]:
    stuck = BulkRun.objects.filter(stage__in=(Stage.HALTED, Stage.PAUSED)).values_list("pk", "stage", "note")
    for pk, stage, note in stuck[:MOST_NAMED]:
        button = Remedy("Open the bulk run", "jobs_bulkrun_change", (pk,), permissions=("jobs.view_bulkrun",))
        yield Trouble(f"Bulk run {pk} is {stage}. {note}".strip(), remedies=(button,))


def _troubles_of_queue_names() -> Iterator[Trouble]:
    for found in disagreements():
        yield Trouble(found.text, "jobs_queue_changelist", advice=found.advice)


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
