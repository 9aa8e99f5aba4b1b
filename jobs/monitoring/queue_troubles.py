"""Problems of queues, and of types whose dials prevent their jobs from running."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from jobs.durations import in_words
from jobs.models.bulk import BulkRun
from jobs.monitoring.overview import QueueFigures, capped, type_states
from jobs.monitoring.remedies import Trouble, change_jobs, resume_queue, set_dial, set_type_dial, show_jobs, show_list
from jobs.states import State

#: A wait longer than this is reported. Seconds.
LONG_WAIT: Final = 900
#: Released jobs that wait longer than this are reported; a free worker claims them within milliseconds. Seconds.
UNCLAIMED_WAIT: Final = 30
#: The share of failed attempts that is reported, and the least number of attempts for it.
HIGH_FAILURE_RATE: Final = 0.2
MIN_ATTEMPTS: Final = 5
#: Dials of a queue that may be 0, and the jobs that this blocks.
BLOCKING_DIALS: Final = {"max_running": "at all", "max_running_per_owner": "that belong to an owner"}


def troubles_of_queue(queue: QueueFigures, *, refused: int, is_served: bool) -> Iterator[Trouble]:
    """The problems of one queue. `refused` is the number of orders that it refused within the last hour.

    `is_served` is False if it is known that no worker consumes it.
    """
    if queue.dead:
        yield _dead(queue)
    yield from _waiting_too_long(queue, is_served=is_served)
    yield from _refusing(queue, refused)
    if queue.hour.attempts >= MIN_ATTEMPTS and queue.hour.failure_rate >= HIGH_FAILURE_RATE:
        rate = f"{queue.hour.failure_rate:.0%}"
        yield Trouble(
            f"{rate} of the attempts in the queue {queue.name} failed within the last hour.", "jobs_job_groups"
        )


def _dead(queue: QueueFigures) -> Trouble:
    dead = {"state": State.DEAD.value, "queue": queue.name}
    noun, verb, it = ("job", "is", "it") if queue.dead == 1 else ("jobs", "are", "they")
    return Trouble(
        f"{capped(queue.dead)} {noun} in the queue {queue.name} {verb} dead: "
        f"{it} will not be retried until a person decides.",
        remedies=(
            show_jobs(**dead),
            show_list("jobs_job_groups"),
            change_jobs("Requeue all…", BulkRun.Act.REQUEUE, **dead),
            change_jobs("Discard all…", BulkRun.Act.DISCARD, **dead),
        ),
    )


def _waiting_too_long(queue: QueueFigures, *, is_served: bool) -> Iterator[Trouble]:
    name, waited = queue.name, in_words(queue.oldest_wait or 0.0)
    jobs = show_jobs(state=State.QUEUED, queue=name)
    dial = next((name for name in BLOCKING_DIALS if getattr(queue, name) == 0), "")
    if queue.paused:
        text = f"The queue {name} is paused: no job in it starts, and {jobs_are(queue.waiting)} waiting."
        yield Trouble(text, remedies=(jobs, resume_queue(name)))
    elif dial:
        text = f"The queue {name} may run no jobs {BLOCKING_DIALS[dial]}, and {jobs_are(queue.waiting)} waiting."
        yield Trouble(text, remedies=(jobs, set_dial("Raise the limit…", name, dial)))
    elif not is_served:
        text = f"No worker consumes the queue {name}, and {jobs_are(queue.waiting + queue.handed_out)} waiting."
        advice = f"Start a worker that has {name} among the queues of its option -Q."
        yield Trouble(text, advice=advice, remedies=(jobs,))
    elif not queue.running and (queue.oldest_handed_out or 0.0) > UNCLAIMED_WAIT:
        text = f"The workers take no jobs from the queue {name}; the oldest has waited for {waited}."
        advice = f"Restart the workers that consume {name}, and read their logs."
        yield Trouble(text, advice=advice, remedies=(jobs,))
    elif queue.oldest_wait is not None and queue.oldest_wait > LONG_WAIT:
        text = f"The oldest job in the queue {name} has waited for {waited}."
        if queue.max_running is not None and queue.running >= queue.max_running:
            more = set_dial("Raise the limit…", name, "max_running")
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
        most = capped(queue.max_queued or 0)
        text = f"The queue {name} is full: {capped(queue.queued)} of at most {most} jobs are waiting,"
        more = set_dial("Raise the limit…", name, "max_queued")
        yield Trouble(f"{text} and new orders are refused.", remedies=(jobs, more))
    if refused:
        text = f"The queue {name} refused {capped(refused)} order{'' if refused == 1 else 's'} within the last hour."
        yield Trouble(text, remedies=(jobs, set_dial("Change the limits…", name, "max_queued")))


def troubles_of_types() -> Iterator[Trouble]:
    """Types that an operator has paused or closed, or whose limit is reached."""
    for dials in type_states():
        name, jobs = dials.type, show_jobs(state=State.QUEUED, type=dials.type)
        if dials.paused:
            text = f"The type {name} is paused: {jobs_are(dials.queued)} waiting."
            yield Trouble(text, remedies=(jobs, set_type_dial("Resume…", dials.pk, "paused")))
        if not dials.accepting:
            text = f"The type {name} is closed: new orders are refused."
            yield Trouble(text, remedies=(set_type_dial("Open it…", dials.pk, "accepting"),))
        elif dials.max_queued is not None and dials.queued >= dials.max_queued:
            text = f"The type {name} is full: {capped(dials.queued)} of at most {capped(dials.max_queued)} jobs are"
            yield Trouble(
                f"{text} waiting, and new orders are refused.",
                remedies=(jobs, set_type_dial("Raise the limit…", dials.pk, "max_queued")),
            )


def jobs_are(count: int) -> str:
    """`1 job is`, `1,234 jobs are`."""
    return f"{capped(count)} job{'' if count == 1 else 's'} {'is' if count == 1 else 'are'}"
