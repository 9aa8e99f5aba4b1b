"""What Beat runs now and then. Each sweep mends one thing, a batch at a time; the next tick goes on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from jobs.dispatch.idempotency import prune_reused_keys
from jobs.dispatch.release import publish_jobs, release_jobs
from jobs.errors import AdmissionError, WorkerLostError
from jobs.files.artifacts import delete_artifact_file
from jobs.files.orphan_files import FOLDERS, remove_orphans_in
from jobs.maintenance.activity import count_attempts
from jobs.maintenance.deactivated_owners import cancel_jobs_of_deactivated
from jobs.maintenance.encrypting import encrypt_secrets_of, kinds_with_secrets, mark_of_key
from jobs.maintenance.sweeping import EachForItself, sweep
from jobs.models import Artifact, Attempt, CallbackHost, Job, Queue, Sweep
from jobs.models.bulk import OPEN, BulkItem, BulkRun
from jobs.models.ids import first_id_at
from jobs.payloads.masked import index_payload
from jobs.webhooks.announcing import announce_end
from jobs.worker.lost_processes import with_last_memory
from jobs.worker.policy import decide_for
from jobs.worker.transitions import lose_attempt, retry_job

logger = structlog.get_logger(__name__)

#: Rows that one run of a sweep changes at most.
BATCH_SIZE: Final = 500
#: Folders of the artifact storage that one run of `remove_orphan_files` looks through, of 256.
FOLDERS_A_RUN: Final = 16


@sweep
def release_due_jobs() -> int:
    """Release what waits: scheduled jobs whose time has come, and jobs whose release failed."""
    with transaction.atomic():
        due = Job.objects.scheduled_until_now().select_for_update(no_key=True, skip_locked=True)
        Job.objects.filter(pk__in=list(due.values_list("pk", flat=True)[:BATCH_SIZE])).update(due=True)
    return sum(len(release_jobs(name)) for name in Queue.objects.values_list("name", flat=True))


@sweep
def republish_lost_jobs() -> int:
    """Ring again for released jobs that no worker claimed: Redis may have lost the message.

    `released_at` stays, so that it says for how long no worker has claimed the job.
    """
    by_queue: dict[str, list[UUID]] = defaultdict(list)
    with transaction.atomic():
        lost = Job.objects.lost_by_redis(seconds=settings.REPUBLISH_AFTER_SECONDS)
        for job in lost.only("pk", "queue").select_for_update(no_key=True, skip_locked=True)[:BATCH_SIZE]:
            by_queue[job.queue].append(job.pk)
        for queue, ids in by_queue.items():
            Job.objects.filter(pk__in=ids).update(updated_at=Now())
            logger.warning("jobs_republished", queue=queue, jobs=len(ids))
            transaction.on_commit(partial(publish_jobs, queue, ids))
    return sum(map(len, by_queue.values()))


@sweep
def retry_failed_jobs() -> int:
    """Queue failed jobs again whose backoff is over."""
    return apply_each(Job.objects.due_for_retry().only("pk", "queue")[:BATCH_SIZE], retry_job)


@sweep
def rescue_orphaned_jobs() -> int:
    """End attempts whose lease has expired, so that their jobs are retried or dead-lettered."""
    return apply_each(Job.objects.orphaned()[:BATCH_SIZE], rescue_job)


def rescue_job(job: Job) -> None:
    """End the attempt of a lost worker. Raises LeaseLostError when its lease was renewed, or the job has ended."""
    attempt = Attempt.objects.select_related("job").get(job=job, fencing_token=job.fencing_token)
    lost = WorkerLostError("The worker stopped renewing its lease: it was killed, or lost its machine or its network.")
    error = with_last_memory(lost, attempt)
    decision = decide_for(job, error=error)
    lose_attempt(attempt, error=error, decision=decision, expired_only=True)
    logger.warning("job_rescued", job_id=str(job.pk), attempt=attempt.number, decision=repr(decision))


def apply_each(jobs: Iterable[Job], change: Callable[[Job], None]) -> int:
    """Change each job, then release their queues; returns how many were changed."""
    queues = set()
    with EachForItself() as each:
        for job in jobs:
            with each(job.pk):
                change(job)
                each.handled += 1
                queues.add(job.queue)
        for name in queues:
            release_jobs(name)
    return each.handled


@sweep
def cancel_jobs_of_deactivated_owners() -> int:
    """Cancel what waits, and ask what runs to end, where the owner's account was deactivated."""
    return cancel_jobs_of_deactivated(at_most=BATCH_SIZE)


@sweep
def announce_ended_jobs() -> int:
    """Tell those who asked for it of jobs that have ended, where whoever ended them did not; the oldest first.

    Owners who may have no more deliveries waiting are passed by, and so is a job whose delivery's type takes
    no more; where these are many, the next run goes on behind them.
    """
    row = Sweep.objects.filter(name="announce_ended_jobs")
    position = row.values_list("position", flat=True).first() or ""
    full: list[int | None] = []
    with EachForItself() as each:
        for _ in range(BATCH_SIZE):
            job = ended_behind(position).exclude(owner__in=full).only("finished_at", "owner").first()
            position = f"{job.finished_at:%Y-%m-%dT%H:%M:%S.%f%z} {job.pk}" if job else ""
            if job is None:
                break
            with each(job.pk):
                try:
                    each.handled += bool(announce_end(job.pk))
                except AdmissionError as error:
                    if error.scope != "owner":
                        position = position if error.scope == "type" else ""
                        raise
                    full.append(job.owner_id)  # which is no fault, and theirs to wait for
            if not position:
                break  # the others would meet the same
        row.update(position=position)
    return each.handled


def ended_behind(position: str) -> QuerySet[Job]:
    """Jobs to be announced, by the time of their end, behind the time and id that `position` names; empty: all."""
    ended = Job.objects.to_announce().order_by("finished_at", "pk")
    if not position:
        return ended
    at, job_id = position.split()
    return ended.filter(Q(finished_at__gt=at) | Q(finished_at=at, pk__gt=job_id), finished_at__gte=at)


@sweep
def count_activity() -> int:
    """Count the attempts that have ended since the last run, for charts, rates and Prometheus."""
    row = Sweep.objects.filter(name="count_activity")
    with transaction.atomic():
        counted, position = count_attempts(row.values_list("position", flat=True).first() or "")
        row.update(position=position)
    return counted


@sweep
def index_payloads() -> int:
    """Write type and search terms of jobs that have none: from before there were any, or written by hand."""
    row = Sweep.objects.filter(name="index_payloads")
    position = row.values_list("position", flat=True).first() or ""
    until = first_id_at(timezone.now() - timedelta(minutes=1))
    bare = Job.objects.filter(search_terms=None, pk__lt=until).exclude(payload={}).order_by("pk")
    jobs = list((bare.filter(pk__gt=position) if position else bare)[:BATCH_SIZE])
    for job in jobs:
        index_payload(job)
    row.update(position=str(jobs[-1].pk if len(jobs) == BATCH_SIZE else until))
    return len(jobs)


@sweep
def encrypt_secrets() -> int:
    """Encrypt secrets that an earlier version stored in clear and, after a new SECRET_KEY, all others again.

    Goes through all jobs once, then through those that are new.
    """
    row = Sweep.objects.filter(name="encrypt_secrets")
    mark, _, position = (row.values_list("position", flat=True).first() or "").partition(" ")
    key = mark_of_key()
    until = first_id_at(timezone.now() - timedelta(minutes=1))
    jobs = Job.objects.filter(kind__in=kinds_with_secrets(), pk__lt=until).order_by("pk")
    batch = list((jobs.filter(pk__gt=position) if position and mark == key else jobs)[:BATCH_SIZE])
    with EachForItself() as each:
        for job in batch:
            with each(job.pk):
                each.handled += encrypt_secrets_of(job)
        row.update(position=f"{key} {batch[-1].pk if len(batch) == BATCH_SIZE else until}")
    return each.handled


@sweep
def expire_artifacts() -> int:
    """Delete the files whose time is over. The job stays and says `Expired`."""
    expired = Artifact.objects.filter(expires_at__lt=Now(), deleted_at=None).order_by("expires_at")
    with EachForItself() as each:
        for artifact in expired[:BATCH_SIZE]:
            with each(artifact.storage_name):
                each.handled += delete_artifact_file(artifact)
    return each.handled


@sweep
def remove_orphan_files() -> int:
    """Delete the files that no artifact refers to and no attempt is writing; some folders of the storage a run."""
    position = Sweep.objects.filter(name="remove_orphan_files").values_list("position", flat=True).first() or ""
    folders = [name for name in FOLDERS if name > position][:FOLDERS_A_RUN]
    ends = not folders or folders[-1] == FOLDERS[-1]
    with EachForItself() as each:
        for folder in folders:
            with each(folder):
                each.handled += remove_orphans_in(folder)
        Sweep.objects.filter(name="remove_orphan_files").update(position="" if ends else folders[-1])
    return each.handled


@sweep
def prune_jobs() -> int:
    """Delete jobs that ended long ago, with all that belongs to them, once their files are gone. Dead ones stay.

    Keys go sooner that stand for a job which another order had made.
    """
    kept = Artifact.objects.filter(job=OuterRef("pk"), deleted_at=None)
    old = Job.objects.ended_for(days=settings.HISTORY_DAYS).filter(~Exists(kept))
    with transaction.atomic():
        # Locked before what belongs to them. Those that somebody else has locked are left to the next run.
        ids = list(old.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True)[:BATCH_SIZE])
        Job.objects.filter(pk__in=ids).delete()
    return len(ids) + prune_reused_keys(at_most=BATCH_SIZE)


@sweep
def prune_bulk_runs() -> int:
    """Delete bulk runs that ended long ago, with what they remember of each job. The audit trail stays."""
    ended = BulkRun.objects.exclude(stage__in=OPEN).filter(updated_at__lt=Now() - timedelta(days=settings.HISTORY_DAYS))
    ids = list(ended.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
    BulkItem.objects.filter(run__in=ids).delete()
    BulkRun.objects.filter(pk__in=ids).delete()
    return len(ids)


@sweep
def prune_callback_hosts() -> int:
    """Forget hosts that failed, and that nothing was sent to for long."""
    old = CallbackHost.objects.filter(updated_at__lt=Now() - timedelta(days=settings.HISTORY_DAYS))
    ids = list(old.values_list("pk", flat=True)[:BATCH_SIZE])
    CallbackHost.objects.filter(pk__in=ids).delete()
    return len(ids)
