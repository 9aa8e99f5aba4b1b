"""What is wrong now, in words, each with the page of the admin that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.utils import timezone
from django.utils.http import urlencode

from jobs.bulk.models import BulkRun, Stage
from jobs.circumstances import lack_of_room
from jobs.durations import in_words
from jobs.models import Job
from jobs.overview import BOUND, QueueFigures, SweepState, counted

#: A wait that is worth a word. Seconds.
LONG_WAIT: Final = 900
#: A share of failed attempts that is worth a word, of how many attempts at least.
HIGH_FAILURE_RATE: Final = 0.2
FEW_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class Trouble:
    """What is wrong now, in words. `page` is the name of a page of the admin, `query` its query string."""

    text: str
    page: str
    query: str = ""


def troubles(queues: Iterable[QueueFigures], sweeps: Iterable[SweepState]) -> list[Trouble]:
    """What is wrong now; nothing, when all is well. Four queries."""
    found = [trouble for queue in queues for trouble in _troubles_of(queue)]
    found += _troubles_of_jobs()
    found += [
        Trouble(f"The sweep {sweep.name} {_complaint(sweep)}", "jobs_sweep_changelist")
        for sweep in sweeps
        if sweep.is_late or sweep.error
    ]
    stuck = BulkRun.objects.filter(stage__in=(Stage.HALTED, Stage.PAUSED)).values_list("pk", "stage", "note")
    found += [
        Trouble(f"Bulk run {pk} is {stage}. {note}".strip(), "jobs_bulkrun_changelist", _query(stage=stage))
        for pk, stage, note in stuck[:5]
    ]
    if lack := lack_of_room():
        found.append(Trouble(lack, "jobs_artifact_changelist"))
    return found


def _troubles_of(queue: QueueFigures) -> Iterator[Trouble]:
    jobs = "jobs_job_changelist"
    if queue.dead:
        query = _query(state="dead", queue=queue.name)
        yield Trouble(f"{counted(queue.dead)} dead in {queue.name}: they wait for a person.", jobs, query)
    if queue.paused:
        text = f"{queue.name} is paused; {counted(queue.waiting)} jobs wait."
        yield Trouble(text, jobs, _query(state="queued", queue=queue.name))
    elif queue.oldest_wait is not None and queue.oldest_wait > LONG_WAIT:
        text = f"In {queue.name} the oldest job has waited for {in_words(queue.oldest_wait)}."
        yield Trouble(text, jobs, _query(state="queued", queue=queue.name))
    if not queue.accepting:
        yield Trouble(f"{queue.name} takes no new jobs.", "jobs_queue_changelist")
    if queue.hour.attempts >= FEW_ATTEMPTS and queue.hour.failure_rate >= HIGH_FAILURE_RATE:
        rate = f"{queue.hour.failure_rate:.0%}"
        yield Trouble(f"{rate} of the attempts in {queue.name} failed within the last hour.", "jobs_job_groups")


def _troubles_of_jobs() -> Iterator[Trouble]:
    for name, text in (
        ("orphaned", "running although their lease has expired: nobody rescues them."),
        ("overdue", "waiting for a retry that is overdue: nobody runs the sweep."),
    ):
        count = getattr(Job.objects, name)()[:BOUND].count()
        if count:
            yield Trouble(f"{counted(count)} {text}", "jobs_job_changelist", _query(trouble=name))


def _complaint(sweep: SweepState) -> str:
    if sweep.error:
        return f"fails: {sweep.error}"
    if sweep.last_finished_at is None:
        return "has never run. Does Beat run, and a worker for housekeeping?"
    ago = in_words(timezone.now() - sweep.last_finished_at)
    return f"ran last {ago} ago, though it should every {in_words(sweep.period)}. Does Beat run?"


def _query(**criteria: str) -> str:
    return urlencode(criteria)
