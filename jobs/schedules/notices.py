"""Tells the owner of a schedule what became of a run, and that a schedule was paused.

A job that a run has ordered is announced as any job is: its order names the URL, and `jobs.mailing` finds the schedule
of the job. Here are only the events that no job tells: `schedule.refused` and `schedule.paused`. What tells them is
submitted in the transaction of the event, so it is kept or lost with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog
from django.urls import reverse

from jobs.dispatch.submission import submit_job
from jobs.errors import AdmissionError
from jobs.mailing.queueing import mail_refused_run, mail_schedule_paused
from jobs.models import Job, Schedule, ScheduleRun
from jobs.payloads.redaction import redact
from jobs.schedules.times import database_now
from jobs.webhooks.announcing import CALLBACK
from jobs.webhooks.messages import new_payload

logger = structlog.get_logger(__name__)

FAILURES: Final = frozenset({ScheduleRun.Outcome.FAILED, ScheduleRun.Outcome.REFUSED})


def tell_paused(schedule: Schedule, *, reason: str) -> None:
    """Tell the owner that the schedule was paused after its last run failed for `reason`."""
    _submit(schedule, lambda: mail_schedule_paused(schedule.owner, schedule.name, url_of(schedule), reason))
    _call_back(schedule, "schedule.paused", reason=reason)


def tell_refused(schedule: Schedule, run: ScheduleRun) -> None:
    """Tell the owner that the order of a run was refused, so that there is no job."""
    _submit(schedule, lambda: mail_refused_run(schedule, run))
    _call_back(schedule, "schedule.refused", scheduledFor=_iso(run.scheduled_for), reason=run.reason)


def url_of(schedule: Schedule) -> str:
    """The path of the schedule's page."""
    return reverse("schedule-detail", args=[schedule.pk])


def _submit(schedule: Schedule, submit: Callable[[], Job | None]) -> None:
    """Submit a notice. If its queue is full or closed, nothing is sent: the history of the schedule has it."""
    try:
        submit()
    except AdmissionError as error:
        logger.warning("schedule_notice_failed", schedule=str(schedule.pk), error=redact(str(error)))


def _call_back(schedule: Schedule, event: str, **facts: Any) -> None:
    """Submit a delivery to the URL of the schedule, if it has one."""
    if not schedule.callback_url:
        return
    data = {"id": str(schedule.pk), "name": schedule.name, "scheduleURL": url_of(schedule), **facts}
    payload = new_payload(url=schedule.callback_url, event=event, at=_iso(database_now()), data=data)
    _submit(schedule, lambda: submit_job(kind=CALLBACK, owner=schedule.owner, payload=payload))


def _iso(at: Any) -> str:
    return str(at.isoformat()).replace("+00:00", "Z")
