"""The ORM and SQL mean the same by each condition."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from jobs.models import Job
from jobs.models import queue_conditions as conditions
from jobs.states import State

PAIRS = {
    "QUEUED": (conditions.QUEUED, conditions.QUEUED_SQL),
    "DUE": (conditions.DUE, conditions.DUE_SQL),
    "WAITING": (conditions.WAITING, conditions.WAITING_SQL),
    "SCHEDULED": (conditions.SCHEDULED, conditions.SCHEDULED_SQL),
    "RUNNING": (conditions.RUNNING, conditions.RUNNING_SQL),
    "HANDED_OUT": (conditions.HANDED_OUT, conditions.HANDED_OUT_SQL),
}


@pytest.fixture
def jobs_of_all_sorts(make_job: Callable[..., Job]) -> None:
    later = Now() + timedelta(minutes=1)
    for state in State:
        make_job(
            state=state,
            lease_expires_at=later if state == State.RUNNING else None,
            retry_at=later if state == State.FAILED else None,
            finished_at=Now() if state not in (State.QUEUED, State.RUNNING, State.FAILED) else None,
            released_at=Now() if state == State.RUNNING else None,
        )
    for due, released_at in product((True, False), (None, Now())):
        make_job(state=State.QUEUED, due=due, released_at=released_at)


@pytest.mark.django_db
@pytest.mark.parametrize(("condition", "sql"), PAIRS.values(), ids=PAIRS)
def test_both_spellings_find_the_same_jobs(condition: Q, sql: str, jobs_of_all_sorts: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM jobs_job WHERE {sql}")  # noqa: S608
        found = {pk for (pk,) in cursor.fetchall()}
    assert found == set(Job.objects.filter(condition).values_list("pk", flat=True))
    assert 0 < len(found) < Job.objects.count()


@pytest.mark.django_db
def test_queued_jobs_wait_or_are_scheduled_or_are_handed_out(jobs_of_all_sorts: None) -> None:
    parts = (conditions.WAITING_SQL, conditions.SCHEDULED_SQL, conditions.HANDED_OUT_SQL)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), count(*) FILTER (WHERE {conditions.QUEUED_SQL}) FROM jobs_job"  # noqa: S608
            f" WHERE ({') OR ('.join(parts)})"
        )
        assert cursor.fetchone() == (Job.objects.filter(conditions.QUEUED).count(),) * 2
