"""Rows that are old enough are deleted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from jobs.events import record_event
from jobs.maintenance.history import prune_bulk_runs, prune_jobs
from jobs.models import Artifact, Attempt, BulkItem, BulkRun, Event, Job
from jobs.states import State

pytestmark = pytest.mark.django_db(transaction=True)

FILE: dict[str, Any] = {"role": "result", "row_count": 0, "size_bytes": 1, "storage_name": "x"}


def test_old_jobs_are_pruned_with_all_that_is_theirs_but_never_dead_ones(
    make_job: Callable[..., Job], settings: Any
) -> None:
    settings.HISTORY_DAYS = 30
    old = Now() - timedelta(days=31)
    gone = [make_job(state=state, finished_at=old) for state in (State.SUCCEEDED, State.CANCELLED)]
    for job in gone:
        Artifact.objects.create(job=job, deleted_at=Now(), **FILE)
        Attempt.objects.create(job=job, number=1, fencing_token=1, worker="w")
        record_event(job.pk, Event.Name.COMPLETED)
    kept = [
        make_job(state=State.DEAD, finished_at=old),
        make_job(state=State.FAILED, finished_at=old),
        make_job(state=State.SUCCEEDED, finished_at=Now() - timedelta(days=29)),
        make_job(state=State.SUCCEEDED, finished_at=old),
    ]
    Artifact.objects.create(job=kept[-1], **FILE)  # its file is still there
    assert prune_jobs() == 2
    assert set(Job.objects.all()) == set(kept)
    assert (Artifact.objects.count(), Attempt.objects.count(), Event.objects.count()) == (1, 0, 0)
    assert prune_jobs() == 0


def test_old_bulk_runs_are_pruned_unless_they_are_open(owner: User, settings: Any) -> None:
    settings.HISTORY_DAYS = 30
    runs = {}
    for stage, days in (("done", 31), ("dropped", 31), ("done", 29), ("paused", 31)):
        run = BulkRun.objects.create(
            act="requeue", criteria={}, reason="r", ordered_by=owner, stage=stage, open_key=f"{stage} {days}",
            updated_at=Now() - timedelta(days=days),
        )  # fmt: skip
        BulkItem.objects.create(run=run, job_id=uuid4(), fencing_token=1, level=0)
        runs[stage, days] = run
    assert prune_bulk_runs() == 2
    kept = {runs["done", 29], runs["paused", 31]}
    assert set(BulkRun.objects.all()) == {item.run for item in BulkItem.objects.all()} == kept
    assert prune_bulk_runs() == 0
