"""`python -m bench.django_tasks`: creates the tables, orders as a view does, and drops the tables at the end."""

from __future__ import annotations

import django
from django.db import transaction

from bench.counting import serve, wait_for
from bench.django_tasks.settings import SCHEMA
from bench.schemas import migrated_schema

django.setup()

from django_tasks_db.models import DBTaskResult  # noqa: E402

from bench.django_tasks.tasks import nothing  # noqa: E402


def order_and_wait(jobs: int) -> dict[str, int]:
    """From the first order to the last success; each order is a transaction. What a turn made goes before the next."""
    DBTaskResult.objects.all().delete()
    for _ in range(jobs):
        with transaction.atomic():
            nothing.enqueue()
    succeeded = wait_for(jobs, DBTaskResult.objects.successful().count)
    starts = sum(len(workers) for workers in DBTaskResult.objects.values_list("worker_ids", flat=True))
    return {"succeeded": succeeded, "starts": starts}


if __name__ == "__main__":
    with migrated_schema(SCHEMA):
        serve(order_and_wait)
