"""The work of a bulk run: the dry run, the canary, batches at the chosen rate, and the undo.

Each step reads its position from the database, so the attempt after a lost one continues after the last batch that was
committed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.db import transaction

from jobs.bulk.stages import set_stage, should_continue
from jobs.bulk.undo import snapshot_jobs, undo_batch
from jobs.context import JobContext
from jobs.durations import in_words
from jobs.interventions.batches import BATCH_SIZE, Intervention
from jobs.interventions.cancellation import cancel_jobs
from jobs.interventions.dead_letter import discard_jobs
from jobs.interventions.requeue_checks import RequeueChecks, Verdict, requeue_checked_jobs
from jobs.interventions.selection import select_jobs
from jobs.models import Job
from jobs.models.bulk import BULK, BulkItem, BulkRun, Stage
from jobs.states import CANCELLABLE, UNFINISHED, Level, State

#: How long the canary may take before the run is paused. Seconds.
CANARY_SECONDS: Final = 900.0
#: Interval at which the canary is checked and a batch is changed. Seconds.
POLL_SECONDS: Final = 0.2

ACTIONS: Final[dict[str, Callable[..., Intervention]]] = {
    BulkRun.Act.REQUEUE: requeue_checked_jobs,
    BulkRun.Act.DISCARD: discard_jobs,
    BulkRun.Act.CANCEL: cancel_jobs,
}


def check_jobs(context: JobContext, run: BulkRun) -> None:
    """The dry run: record each matching job with its verdict. checking → checked."""
    fits = CANCELLABLE if run.act == BulkRun.Act.CANCEL else UNFINISHED
    meant = select_jobs(run.criteria).filter(state__in=fits).exclude(kind=BULK).select_related("owner").order_by("pk")
    checks = RequeueChecks()
    last = run.items.order_by("-job_id").values_list("job_id", flat=True).first()
    done = run.items.count()
    while should_continue(context, run, Stage.CHECKING):
        jobs = list((meant.filter(pk__gt=last) if last else meant)[:BATCH_SIZE])
        if not jobs:
            set_stage(run, Stage.CHECKING, Stage.CHECKED)
            return
        verdicts = checks.check_all(jobs) if run.act == BulkRun.Act.REQUEUE else {}
        BulkItem.objects.bulk_create([_new_item(run, job, verdicts.get(job.pk)) for job in jobs], ignore_conflicts=True)
        last, done = jobs[-1].pk, done + len(jobs)
        context.report_progress(done)


def send_canary(context: JobContext, run: BulkRun) -> None:
    """Requeue one job and wait for its end. canary → running if it succeeds, halted if it does not."""
    until = time.monotonic() + CANARY_SECONDS
    while should_continue(context, run, Stage.CANARY):
        canary = run.canary or _choose_canary(context, run)
        if canary is None:
            set_stage(run, Stage.CANARY, Stage.RUNNING, note="There was no job to use as a canary.")
            return
        job = Job.objects.filter(pk=canary).first()
        if job is None or job.state in (State.FAILED, State.DEAD, State.CANCELLED):
            state = job.state if job else "gone"
            error = f": {job.error_class}: {job.error_message}" if job and job.error_class else ""
            set_stage(run, Stage.CANARY, Stage.HALTED, note=f"The canary {canary} is {state}{error}")
        elif job.state == State.SUCCEEDED:
            set_stage(run, Stage.CANARY, Stage.RUNNING, note=f"The canary {canary} has succeeded.")
        elif time.monotonic() > until:
            waited = in_words(CANARY_SECONDS)
            set_stage(run, Stage.CANARY, Stage.PAUSED, note=f"The canary {canary} is still {job.state} after {waited}.")
        else:
            time.sleep(POLL_SECONDS)


def change_jobs(context: JobContext, run: BulkRun) -> None:
    """Change the pending jobs in batches, no faster than the ordered rate. running → done."""
    total = run.items.count()
    done_before = total - run.items.filter(outcome=BulkItem.Outcome.PENDING).count()
    began, changed = time.monotonic(), 0
    while should_continue(context, run, Stage.RUNNING):
        allowance = int((time.monotonic() - began) * run.jobs_per_second) + 1 - changed
        if allowance < 1:
            time.sleep(min(POLL_SECONDS, 1 / run.jobs_per_second))
            continue
        taken = _change_batch(context, run, at_most=min(allowance, BATCH_SIZE))
        if not taken:
            set_stage(run, Stage.RUNNING, Stage.DONE)
            return
        changed += taken
        context.report_progress(done_before + changed, total=total)
        time.sleep(POLL_SECONDS)


def undo_jobs(context: JobContext, run: BulkRun) -> None:
    """Restore the jobs that have not started, in batches. undoing → undone, or done if all jobs had started."""
    last: UUID | None = None
    while should_continue(context, run, Stage.UNDOING):
        last = undo_batch(run, actor=_actor(context), after=last)
        if last is None:
            undone = run.items.filter(outcome=BulkItem.Outcome.UNDONE).count()
            started = run.items.filter(outcome=BulkItem.Outcome.CHANGED).count()
            if not undone:
                set_stage(run, Stage.UNDOING, Stage.DONE, note="Nothing was undone: every job had already started.")
                return
            rest = f" {started} had already started." if started else ""
            note = f"{undone} of {undone + started} jobs were restored to their previous state.{rest}"
            set_stage(run, Stage.UNDOING, Stage.UNDONE, note=note)


def _choose_canary(context: JobContext, run: BulkRun) -> UUID | None:
    """Change the first safe job, or else the first with a warning. None if no job can be changed."""
    pending = run.items.filter(outcome=BulkItem.Outcome.PENDING).order_by("level", "job_id")
    while (item := pending.first()) is not None:
        with transaction.atomic():
            if _change(context, run, [item]):
                BulkRun.objects.filter(pk=run.pk).update(canary=item.job_id)
                run.canary = item.job_id
                return item.job_id
    return None


def _change_batch(context: JobContext, run: BulkRun, *, at_most: int) -> int:
    """Change the next jobs, at most so many. Returns how many were checked."""
    items = list(run.items.filter(outcome=BulkItem.Outcome.PENDING).order_by("job_id")[:at_most])
    _change(context, run, items)
    return len(items)


def _change(context: JobContext, run: BulkRun, items: list[BulkItem]) -> list[UUID]:
    """Change these jobs and record the outcome, in one transaction. Returns the ids of the changed jobs."""
    ids = [item.job_id for item in items]
    with transaction.atomic():
        before = snapshot_jobs(ids)
        outcome = ACTIONS[run.act](
            ids,
            actor=_actor(context),
            reason=f"{run.reason} (bulk run {run.pk})",
            seen={item.job_id: item.fencing_token for item in items},
        )
        changed = set(outcome.changed)
        for item in items:
            item.outcome = BulkItem.Outcome.CHANGED if item.job_id in changed else BulkItem.Outcome.REFUSED
            item.why = outcome.refused.get(item.job_id, item.why)
            item.before = before.get(item.job_id) if item.job_id in changed else None
        BulkItem.objects.bulk_update(items, ["outcome", "why", "before"])
    return outcome.changed


def _actor(context: JobContext) -> str:
    """The name of the person whose click started this leg."""
    return context.job.owner.get_username() if context.job.owner else ""


def _new_item(run: BulkRun, job: Job, verdict: Verdict | None) -> BulkItem:
    level = verdict.level if verdict else Level.OK
    return BulkItem(
        run=run,
        job_id=job.pk,
        fencing_token=job.fencing_token,
        level=level,
        outcome=BulkItem.Outcome.REFUSED if level.forbids else BulkItem.Outcome.PENDING,
        why=verdict.reasons if verdict else "",
    )
