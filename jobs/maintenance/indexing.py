"""Write missing search terms."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from jobs.maintenance.sweeping import BATCH_SIZE, sweep
from jobs.models import Job, Sweep
from jobs.models.ids import first_id_at
from jobs.payloads.masked import index_payload


@sweep(every_seconds=60)
def index_payloads() -> int:
    """Write the types and search terms of jobs that have none: from an earlier version, or inserted by hand."""
    row = Sweep.objects.filter(name="index_payloads")
    position = row.values_list("position", flat=True).first() or ""
    until = first_id_at(timezone.now() - timedelta(minutes=1))
    bare = Job.objects.filter(search_terms=None, pk__lt=until).exclude(payload={}).order_by("pk")
    jobs = list((bare.filter(pk__gt=position) if position else bare)[:BATCH_SIZE])
    for job in jobs:
        index_payload(job)
    row.update(position=str(jobs[-1].pk if len(jobs) == BATCH_SIZE else until))
    return len(jobs)
