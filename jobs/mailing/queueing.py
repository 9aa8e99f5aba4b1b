"""Queues mails. After MOST_AN_HOUR mails of a topic to a user within an hour, one digest stands for all others.

A digest is a mail that waits until the hour has passed since the first of those mails. Whatever would be a further mail
adds one to the count in its payload, until a worker claims it; what comes later counts for the next one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from jobs.dispatch.submission import submit_job
from jobs.mailing.receivers import reason_against
from jobs.mailing.runs import schedule_of
from jobs.mailing.topics import MAIL, Topic, mail_is_on
from jobs.models import Job, Schedule, ScheduleRun
from jobs.models.ids import first_id_at
from jobs.postgres.advisory_locks import TRANSACTION_LOCK, LockClass, lock_key
from jobs.postgres.statements import execute, fetch_all
from jobs.states import State

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: Mails of one topic to one user within an HOUR; then a digest.
MOST_AN_HOUR: Final = 10
HOUR: Final = timedelta(hours=1)
#: How a digest counts paused schedules; it counts jobs by the name of their kind.
SCHEDULE: Final = "schedule"
#: Ends that are worth a mail.
TOPICS: Final = {State.SUCCEEDED: Topic.COMPLETE, State.DEAD: Topic.FAILED}
TOPICS_OF_RUNS: Final = {State.SUCCEEDED: Topic.RUN_COMPLETE, State.DEAD: Topic.RUN_FAILED}

#: Count one more in the waiting digest. No row if there is none, or a worker has claimed it.
COUNT_ONE: Final = """
    UPDATE jobs_job SET
        payload = jsonb_set(payload, ARRAY['counts', %(of)s::text],
            to_jsonb(coalesce((payload #>> ARRAY['counts', %(of)s::text])::int, 0) + 1)),
        updated_at = statement_timestamp()
    WHERE owner = %(owner)s::bigint AND kind = %(kind)s::text AND type = %(topic)s::text
        AND state = 'queued' AND fencing_token = 0 AND payload ? 'counts'
    RETURNING id
"""


def mail_end(job: Job) -> list[Job]:
    """Queue the mail about the end of a job, if its owner gets one. Returns the new job: a mail or a digest.

    For the job of a run, the choice of its schedule decides. Raises what `submit_job` raises.
    """
    state = State(job.state)
    if state not in TOPICS or job.owner is None or not mail_is_on():
        return []
    facts = {"job": str(job.pk)}
    if (schedule := schedule_of(job)) is None:
        mail = queue_mail(job.owner, TOPICS[state], facts=facts, of=job.kind)
    else:
        facts["schedule"] = str(schedule.pk)
        mail = queue_mail(job.owner, TOPICS_OF_RUNS[state], facts=facts, of=job.kind)
    return [mail] if mail else []


def mail_schedule_paused(owner: AbstractBaseUser, name: str, url: str, reason: str) -> Job | None:
    """Queue the mail that a schedule was paused, if its owner gets one; `reason` is a sentence in their language.

    `url` is the path of the schedule's page. Raises what `submit_job` raises.
    """
    facts = {"name": name, "url": url, "reason": reason}
    return queue_mail(owner, Topic.SCHEDULE_PAUSED, facts=facts, of=SCHEDULE)


def mail_refused_run(schedule: Schedule, run: ScheduleRun) -> Job | None:
    """Queue the mail that a run of a schedule was refused, if its owner gets one. Raises what `submit_job` raises."""
    facts = {"run": run.pk, "schedule": str(schedule.pk)}
    return queue_mail(schedule.owner, Topic.RUN_FAILED, facts=facts, of=schedule.kind)


def queue_mail(owner: AbstractBaseUser, topic: Topic, *, facts: dict[str, Any], of: str) -> Job | None:
    """Queue a mail with these `facts` beside the topic. None if the user gets none, or a waiting digest counts it.

    `of` is what a digest counts. Raises what `submit_job` raises.
    """
    schedule_id = UUID(facts["schedule"]) if "schedule" in facts else None
    if not mail_is_on() or reason_against(owner, topic, schedule_id=schedule_id):
        return None
    with transaction.atomic():
        # One after the other for this user, so that they count right. There is no lock for each topic: a transaction
        # that mails about two topics would wait for the second lock while it holds the row of the queue.
        execute(TRANSACTION_LOCK, key=lock_key(LockClass.MAILS, owner.pk))
        if (until := _digest_until(owner, topic)) is None:
            return submit_job(kind=MAIL, owner=owner, payload={"topic": topic, **facts})
        if fetch_all(COUNT_ONE, of=of, owner=owner.pk, kind=MAIL, topic=topic):
            return None
        return submit_job(kind=MAIL, owner=owner, payload={"topic": topic, "counts": {of: 1}}, scheduled_at=until)


def _digest_until(owner: AbstractBaseUser, topic: Topic) -> datetime | None:
    """When the digest is due; None if the user may get another mail now. One query."""
    since = first_id_at(timezone.now() - HOUR)
    mails = Job.objects.filter(owner=owner.pk, kind=MAIL, type=topic, pk__gte=since).exclude(payload__has_key="counts")
    newest = list(mails.order_by("-pk").values_list("created_at", flat=True)[:MOST_AN_HOUR])
    return newest[-1] + HOUR if len(newest) == MOST_AN_HOUR else None
