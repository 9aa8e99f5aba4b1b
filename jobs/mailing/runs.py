"""Mails about runs of schedules. The choice of each schedule decides about them, instead of the user's preferences."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from jobs.mailing.topics import Topic
from jobs.models import Job, Schedule

Choice = Schedule.Mail
#: The choices that ask for mails of a topic.
ASKING: Final = {Topic.RUN_COMPLETE: (Choice.ALWAYS,), Topic.RUN_FAILED: (Choice.FAILED, Choice.ALWAYS)}


def schedule_of(job: Job) -> Schedule | None:
    """The schedule that has ordered a job. One query."""
    return Schedule.objects.filter(runs__job=job.pk).first()


def are_wanted(owner_id: int, topic: Topic, schedule_id: UUID | None) -> bool:
    """Whether the owner has chosen these mails for a schedule; without an id, for any of theirs. One query."""
    return _schedules(owner_id, schedule_id).filter(mail__in=ASKING[topic]).exists()


def switch_runs(owner_id: int, schedule_id: UUID | None, *, on: bool) -> None:
    """Stop the mails of a schedule, or undo that; without an id, of all schedules of the owner. It is safe to repeat.

    The schedule remembers what was chosen, for the undo.
    """
    mine = _schedules(owner_id, schedule_id)
    if not on:
        mine.exclude(mail=Choice.NONE).update(mail_before_stop=F("mail"), mail=Choice.NONE)
        return
    stopped = mine.filter(mail=Choice.NONE)
    if schedule_id is None:  # some may never have sent any
        stopped = stopped.exclude(mail_before_stop="")
    before = Coalesce(NullIf(F("mail_before_stop"), Value("")), Value(Choice.FAILED))
    stopped.update(mail=before, mail_before_stop="")


def _schedules(owner_id: int, schedule_id: UUID | None) -> QuerySet[Schedule]:
    mine = Schedule.objects.filter(owner=owner_id)
    return mine if schedule_id is None else mine.filter(pk=schedule_id)
