"""Tells the owner of a schedule what became of a run, and that a schedule was paused.

A job that a run has ordered calls back, and is mailed about, as any job is. Here are only the events that no job tells:
the callbacks `schedule.refused` and `schedule.paused`, and the mail that a schedule was paused.

For mail about single runs, connect a function to the signal `run_ended`. Signal and mail belong to the transaction of
the event, so that a mail, which is a row, is kept or lost with it. An error is logged, and undoes only its own work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from django.db import transaction
from django.dispatch import Signal
from django.urls import reverse

from jobs.dispatch.submission import submit_job
from jobs.errors import AdmissionError
from jobs.mailing.queueing import mail_schedule_paused
from jobs.mailing.topics import mail_is_on
from jobs.models import Schedule, ScheduleRun
from jobs.payloads.redaction import redact
from jobs.schedules.times import database_now
from jobs.webhooks.announcing import CALLBACK
from jobs.webhooks.messages import new_payload

logger = structlog.get_logger(__name__)

#: A run has failed, was refused, or has ended otherwise, and the owner wants a mail about it. Arguments: `owner`,
#: `name`, `url` (the path of its page), `run`.
run_ended: Final = Signal()

FAILURES: Final = frozenset({ScheduleRun.Outcome.FAILED, ScheduleRun.Outcome.REFUSED})


def tell_paused(schedule: Schedule, *, reason: str) -> None:
    """Tell the owner that the schedule was paused after its last run failed for `reason`."""
    _call_back(schedule, "schedule.paused", reason=reason)
    with _logged(schedule):
        mail_schedule_paused(schedule.owner, schedule.name, url_of(schedule), reason)


def tell_run_ended(schedule: Schedule, run: ScheduleRun) -> None:
    """Tell the owner that a run has ended, if they have chosen that."""
    has_failed = run.outcome in FAILURES
    if schedule.mail == Schedule.Mail.ALWAYS or (schedule.mail == Schedule.Mail.FAILED and has_failed):
        with _logged(schedule):
            run_ended.send(Schedule, owner=schedule.owner, name=schedule.name, url=url_of(schedule), run=run)
    if run.outcome == ScheduleRun.Outcome.REFUSED:
        _call_back(schedule, "schedule.refused", scheduledFor=_iso(run.scheduled_for), reason=run.reason)


def can_mail_runs() -> bool:
    """Whether somebody sends mail about single runs, so that pages offer it."""
    return mail_is_on() and run_ended.has_listeners(Schedule)


def url_of(schedule: Schedule) -> str:
    """The path of the schedule's page."""
    return reverse("schedule-detail", args=[schedule.pk])


@contextmanager
def _logged(schedule: Schedule) -> Iterator[None]:
    """A savepoint. An error in the block is logged, and nothing else."""
    try:
        with transaction.atomic():
            yield
    except Exception as error:
        logger.warning("schedule_notice_failed", schedule=str(schedule.pk), error=redact(repr(error)))


def _call_back(schedule: Schedule, event: str, **facts: Any) -> None:
    """Submit a delivery to the URL of the schedule. If too many are queued, nothing is sent: the history has it."""
    if not schedule.callback_url:
        return
    data = {"id": str(schedule.pk), "name": schedule.name, "scheduleURL": url_of(schedule), **facts}
    payload = new_payload(url=schedule.callback_url, event=event, at=_iso(database_now()), data=data)
    try:
        submit_job(kind=CALLBACK, owner=schedule.owner, payload=payload)
    except AdmissionError as error:
        logger.warning("schedule_notice_failed", schedule=str(schedule.pk), error=redact(str(error)))


def _iso(at: Any) -> str:
    return str(at.isoformat()).replace("+00:00", "Z")
