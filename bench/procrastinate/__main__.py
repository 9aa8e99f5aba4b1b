"""`python -m bench.procrastinate`: creates the tables, orders as a view does, and drops the tables at the end."""

from __future__ import annotations

import django
from django.db import transaction

from bench.counting import serve, wait_for
from bench.procrastinate.settings import SCHEMA
from bench.schemas import migrated_schema

django.setup()

from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob  # noqa: E402

from bench.procrastinate.tasks import nothing  # noqa: E402


def order_and_wait(jobs: int) -> dict[str, int]:
    """From the first order to the last success; each order is a transaction."""
    first = 0
    for _ in range(jobs):
        with transaction.atomic():
            job = nothing.defer()
        first = first or job
    mine = ProcrastinateJob.objects.filter(pk__gte=first)
    succeeded = wait_for(jobs, mine.filter(status="succeeded").count)
    starts = ProcrastinateEvent.objects.filter(job__in=mine, type="started")
    return {"succeeded": succeeded, "starts": starts.count()}


if __name__ == "__main__":
    with migrated_schema(SCHEMA):
        serve(order_and_wait)
