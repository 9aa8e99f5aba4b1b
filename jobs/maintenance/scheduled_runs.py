"""Run schedules that Beat did not ring for, try again what a full queue kept waiting, and record how runs ended."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from jobs.kinds import find_kind
from jobs.maintenance.sweeping import BATCH_SIZE, IndependentTransactions, sweep
from jobs.models import Schedule, ScheduleRun, Sweep
from jobs.schedules.ending import ended_runs, settle_run
from jobs.schedules.running import retry_run, run_if_due


@sweep(every_seconds=60)
def run_due_schedules() -> int:
    """Run what is due, the longest overdue first: Beat may be away, or Redis may have lost the message.

    Then try again to place the orders that wait for room in their queue.
    """
    due = Schedule.objects.due().order_by("next_run_at").values_list("pk", flat=True)
    waiting = ScheduleRun.objects.filter(outcome=ScheduleRun.Outcome.WAITING).order_by("pk")
    with IndependentTransactions() as each:
        for schedule_id in list(due[:BATCH_SIZE]):
            with each(schedule_id):
                each.handled += run_if_due(schedule_id) is not None
        for run_id in list(waiting.values_list("pk", flat=True)[:BATCH_SIZE]):
            with each(run_id):
                run = retry_run(run_id)
                each.handled += run is not None and run.outcome != ScheduleRun.Outcome.WAITING
    return each.handled


@sweep(every_seconds=30)
def settle_scheduled_runs() -> int:
    """Record how the jobs of runs have ended, tell the owners, and pause schedules whose runs keep failing."""
    with IndependentTransactions() as each:
        for run_id in list(ended_runs().values_list("pk", flat=True)[:BATCH_SIZE]):
            with each(run_id):
                each.handled += settle_run(run_id)
    return each.handled


@sweep(every_seconds=300)
def prune_scheduled_runs() -> int:
    """Delete runs from long ago. Their jobs are deleted by `prune_jobs`."""
    old = ScheduleRun.objects.filter(scheduled_for__lt=Now() - timedelta(days=settings.HISTORY_DAYS))
    ids = list(old.order_by("scheduled_for").values_list("pk", flat=True)[:BATCH_SIZE])
    ScheduleRun.objects.filter(pk__in=ids).delete()
    return len(ids)


@sweep(every_seconds=300)
def encrypt_schedules() -> int:
    """After a change of SECRET_KEY, encrypt the secrets in the orders of all schedules again."""
    row = Sweep.objects.filter(name="encrypt_schedules")
    mark, _, position = (row.values_list("position", flat=True).first() or "").partition(" ")
    key = salted_hmac("jobs.encrypting", "mark", algorithm="sha256").hexdigest()[:16]  # tells SECRET_KEYs apart
    schedules = Schedule.objects.order_by("pk")
    batch = list((schedules.filter(pk__gt=position) if position and mark == key else schedules)[:BATCH_SIZE])
    with IndependentTransactions() as each:
        for schedule in batch:
            with each(schedule.pk):
                each.handled += _encrypt(schedule)
        row.update(position=f"{key} {batch[-1].pk if batch else position}".strip())
    return each.handled


def _encrypt(schedule: Schedule) -> bool:
    """Whether anything changed. An order that is edited meanwhile is left to the edit. Raises SecretUnreadableError."""
    kind = find_kind(schedule.kind)
    orders = kind.scheduled_orders if kind else None
    order = orders.encrypted(schedule.order) if orders else None
    return order is not None and bool(Schedule.objects.filter(pk=schedule.pk, order=schedule.order).update(order=order))
