"""Postponed calls come back on time."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from calls.hosts.resuming import release_due_calls
from jobs.models import Job, Queue

pytestmark = pytest.mark.django_db(transaction=True)


def test_calls_that_are_due_are_released_and_no_others(owner: User) -> None:
    Queue.objects.filter(name="calls").update(max_running=5)

    def postponed(seconds: float, kind: str = "call") -> Job:
        due = Now() + timedelta(seconds=seconds)
        return Job.objects.create(
            kind=kind, queue="calls", owner=owner, payload={}, max_attempts=5, scheduled_at=due, due=False
        )

    due, later, other = postponed(-1), postponed(60), postponed(-1, kind="report")
    assert release_due_calls() == 1
    rows = {job.pk: job for job in Job.objects.all()}
    assert (rows[due.pk].due, rows[later.pk].due, rows[other.pk].due) == (True, False, False)
    assert rows[due.pk].released_at is not None
    assert release_due_calls() == 0
