"""Delete old rows."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from jobs.dispatch.idempotency import prune_reused_keys
from jobs.maintenance.sweeping import BATCH_SIZE, sweep
from jobs.models import Artifact, CallbackHost, Job
from jobs.models.bulk import OPEN, BulkItem, BulkRun


@sweep(every_seconds=300)
def prune_jobs() -> int:
    """Delete jobs that ended long ago and whose files were deleted, with their rows in other tables. Dead jobs stay.

    Idempotency keys that refer to the job of another order are deleted sooner.
    """
    kept = Artifact.objects.filter(job=OuterRef("pk"), deleted_at=None)
    old = Job.objects.ended_for(days=settings.HISTORY_DAYS).filter(~Exists(kept))
    with transaction.atomic():
        # Jobs are locked before their other rows. Those that another transaction has locked are left to the next run.
        ids = list(old.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True)[:BATCH_SIZE])
        Job.objects.filter(pk__in=ids).delete()
    return len(ids) + prune_reused_keys(at_most=BATCH_SIZE)


@sweep(every_seconds=300)
def prune_bulk_runs() -> int:
    """Delete bulk runs that ended long ago, with their items. The audit trail stays."""
    ended = BulkRun.objects.exclude(stage__in=OPEN).filter(updated_at__lt=Now() - timedelta(days=settings.HISTORY_DAYS))
    ids = list(ended.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
    BulkItem.objects.filter(run__in=ids).delete()
    BulkRun.objects.filter(pk__in=ids).delete()
    return len(ids)


@sweep(every_seconds=300)
def prune_callback_hosts() -> int:
    """Delete the failure records of hosts to which nothing was sent for a long time."""
    old = CallbackHost.objects.filter(updated_at__lt=Now() - timedelta(days=settings.HISTORY_DAYS))
    ids = list(old.values_list("pk", flat=True)[:BATCH_SIZE])
    CallbackHost.objects.filter(pk__in=ids).delete()
    return len(ids)
