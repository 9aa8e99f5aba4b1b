"""What a mail is about, as it is when the mail is sent."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from jobs.mailing.password_reset import is_too_old
from jobs.mailing.queueing import TOPICS, TOPICS_OF_RUNS
from jobs.mailing.topics import Topic
from jobs.models import Event, Job, ScheduleRun
from jobs.states import State
from jobs.status import is_available


class NoLongerTrueError(Exception):
    """What the mail would say is no longer true."""


@dataclass(frozen=True)
class About:
    """The job (from `JobQuerySet.with_result`) and the run (with its schedule) that a mail is about, if it has them."""

    job: Job | None = None
    run: ScheduleRun | None = None


def about_of(mail: Job) -> About:
    """What a mail is about. Raises NoLongerTrueError, also if its owner has deleted it."""
    payload = mail.payload
    if payload["topic"] == Topic.PASSWORD_RESET and is_too_old(mail):
        raise NoLongerTrueError
    run = _run_of(mail) if "schedule" in payload else None
    job = _job_of(mail) if "job" in payload else None
    return About(job, run)


def schedule_id_of(mail: Job) -> UUID | None:
    """The schedule whose choice decides about a mail; None for other mails, and for a digest."""
    return UUID(mail.payload["schedule"]) if "schedule" in mail.payload else None


def _job_of(mail: Job) -> Job:
    mine = Job.objects.with_result().filter(owner=mail.owner_id)
    job = mine.select_related("owner").filter(pk=UUID(mail.payload["job"])).first()
    if job is None or not is_still_true(Topic(mail.payload["topic"]), job):
        raise NoLongerTrueError
    return job


def _run_of(mail: Job) -> ScheduleRun:
    payload = mail.payload
    runs = ScheduleRun.objects.select_related("schedule").filter(
        schedule=payload["schedule"], schedule__owner=mail.owner_id
    )
    if "job" in payload:
        run = runs.filter(job=payload["job"]).first()
    else:
        run = runs.filter(pk=payload["run"], outcome=ScheduleRun.Outcome.REFUSED).first()
    if run is None:
        raise NoLongerTrueError
    return run


def is_still_true(topic: Topic, about: Job) -> bool:
    """Whether a mail about this job would say what is so now. The job comes from `JobQuerySet.with_result`."""
    if topic is not Topic.EXPIRING:
        state = State(about.state)
        return topic in (TOPICS.get(state), TOPICS_OF_RUNS.get(state))
    if about.state != State.SUCCEEDED or not is_available(about.result_artifact) or about.owner is None:
        return False
    return not about.events.filter(name=Event.Name.DOWNLOADED, actor=about.owner.get_username()).exists()
