"""The task. While the views are measured nobody runs it."""

from __future__ import annotations

from celery import shared_task

from bench.minimal.models import Report


@shared_task(name="bench.minimal.make_report")
def make_report(pk: int) -> None:
    """Done."""
    report = Report.objects.get(pk=pk)
    report.status = "done"
    report.save()
