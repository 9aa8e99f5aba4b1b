"""`python -m bench.usual`: creates the table, orders as a view does, and drops the table at the end."""

from __future__ import annotations

import django
from django.db import connection, transaction

from bench.counting import serve, wait_for
from bench.usual.celery import app

django.setup()
app.set_default()

from bench.usual.models import Order  # noqa: E402
from bench.usual.tasks import work  # noqa: E402


def order_and_wait(jobs: int) -> dict[str, int]:
    """From the first row to the last row that is done; each order is a transaction."""
    first = 0
    for _ in range(jobs):
        with transaction.atomic():
            order = Order.objects.create()
            transaction.on_commit(lambda pk=order.pk: work.delay(pk))  # type: ignore[misc]
        first = first or order.pk
    mine = Order.objects.filter(pk__gte=first)
    done = wait_for(jobs, mine.filter(status="done").count)
    return {"rows": mine.count(), "done": done}


if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Order)
    try:
        serve(order_and_wait)
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Order)
