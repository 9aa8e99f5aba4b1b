"""The task."""

from __future__ import annotations

from celery import shared_task

from bench.usual.models import Order


@shared_task(name="bench.usual.work")
def work(pk: int) -> None:
    """Running, then done."""
    order = Order.objects.get(pk=pk)
    order.status = "running"
    order.save()
    order.status = "done"
    order.save()
