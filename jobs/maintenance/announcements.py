"""Announce what was not announced yet: ended jobs, by callback and by mail, and files that are about to expire."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from jobs.announcing import CALLBACKS, MAILS, Channel, announce_end
from jobs.errors import AdmissionError
from jobs.mailing.expiring import expiring_files, mail_expiry
from jobs.maintenance.sweeping import BATCH_SIZE, IndependentTransactions, sweep
from jobs.models import Job, Sweep


@sweep(every_seconds=5)
def announce_ended_jobs() -> int:
    """Submit the callbacks of jobs that were not announced when they ended."""
    return announce_remaining(CALLBACKS, sweep_name="announce_ended_jobs")


@sweep(every_seconds=5)
def mail_ended_jobs() -> int:
    """Queue the mails about jobs that were not announced when they ended."""
    return announce_remaining(MAILS, sweep_name="mail_ended_jobs")


@sweep(every_seconds=300)
def mail_expiring_files() -> int:
    """Queue the mails about files that expire within a day and that nobody has downloaded."""
    with IndependentTransactions() as each:
        for artifact in expiring_files()[:BATCH_SIZE]:
            with each(artifact.pk):
                each.handled += bool(mail_expiry(artifact))
    return each.handled


def announce_remaining(channel: Channel, *, sweep_name: str) -> int:
    """Announce jobs that were not announced when they ended, the oldest first, to those who asked for it.

    Skips owners and types of deliveries that may have no more queued. After many skipped jobs, the next run continues
    behind them.
    """
    row = Sweep.objects.filter(name=sweep_name)
    position = row.values_list("position", flat=True).first() or ""
    full: list[int | None] = []
    with IndependentTransactions() as each:
        for _ in range(BATCH_SIZE):
            job = ended_behind(channel, position).exclude(owner__in=full).only("finished_at", "owner").first()
            position = f"{job.finished_at:%Y-%m-%dT%H:%M:%S.%f%z} {job.pk}" if job else ""
            if job is None:
                break
            with each(job.pk):
                try:
                    each.handled += bool(announce_end(job.pk, channel))
                except AdmissionError as error:
                    if error.scope != "owner":
                        position = position if error.scope == "type" else ""
                        raise
                    full.append(job.owner_id)  # this is no error: the owner's deliveries have to wait
            if not position:
                break  # the other jobs would be refused, too
        row.update(position=position)
    return each.handled


def ended_behind(channel: Channel, position: str) -> QuerySet[Job]:
    """Jobs to be announced, in the order of their ends, after `position` ("time id"; empty for all)."""
    ended = Job.objects.to_announce(channel.column).order_by("finished_at", "pk")
    if not position:
        return ended
    at, job_id = position.split()
    return ended.filter(Q(finished_at__gt=at) | Q(finished_at=at, pk__gt=job_id), finished_at__gte=at)
