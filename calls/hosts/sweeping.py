"""What Beat repairs: turns of workers that are gone, and rows of hosts that nobody needs any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from calls.models import Host, Turn
from jobs.housekeeping import BATCH_SIZE
from jobs.models import Job
from jobs.states import State

#: The row of a host that no type declares is deleted after so long without a change.
FORGET_AFTER: Final = timedelta(hours=1)


def return_lost_turns() -> int:
    """Delete turns whose attempts no longer have their leases, and count the turns of each host again."""
    changed = 0
    for host in Host.objects.filter(Q(taken__gt=0) | Q(Exists(Turn.objects.filter(host=OuterRef("pk"))))).order_by(
        "pk"
    )[:BATCH_SIZE]:
        with transaction.atomic():
            row = Host.objects.select_for_update().get(pk=host.pk)
            # A new statement: it sees all turns that were committed before the lock was granted.
            held = Job.objects.filter(
                pk=OuterRef("job_id"),
                state=State.RUNNING,
                fencing_token=OuterRef("fencing_token"),
                lease_expires_at__gt=Now(),
            )
            lost, _ = Turn.objects.filter(~Exists(held), host=row).delete()
            left = Turn.objects.filter(host=row).count()
            if left != row.taken:
                Host.objects.filter(pk=row.pk).update(taken=left)
            changed += bool(lost or left != row.taken)
    return changed


def forget_hosts() -> int:
    """Delete hosts that no type declares, without limits of the staff, once they have been open for an hour."""
    old = Host.objects.filter(
        Q(closed_until=None) | Q(closed_until__lt=Now()),
        Q(open_until=None) | Q(open_until__lt=Now() - FORGET_AFTER),
        declared=False,
        in_flight=None,
        per_second=None,
        taken=0,
        updated_at__lt=Now() - FORGET_AFTER,
    )
    with transaction.atomic():
        ids = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH_SIZE])
        Host.objects.filter(pk__in=ids).delete()
    return len(ids)
