"""Who changes jobs at the same moment: nobody meets a deadlock, and each act is written down once.

The order of locks stands in docs/architecture.md, "The order of locks".
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db.models.functions import Now

from jobs.dispatch.submission import submit_job
from jobs.files.artifacts import storage_name
from jobs.interventions.cancellation import cancel_jobs
from jobs.interventions.purging import purge_jobs, purge_or_cancel
from jobs.maintenance.sweeps import SWEEPS
from jobs.models import Artifact, AuditEntry, Job
from jobs.states import State
from jobs.webhooks.announcing import CALLBACK
from jobs.webhooks.replaying import replay_delivery
from tests.support.locks import a_session_waits_for_a_lock
from tests.support.threads import Threads
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = Now() - timedelta(days=1000)


@pytest.fixture
def other(database_url: str) -> Iterator[psycopg.Connection]:
    """A session of somebody else, in a transaction."""
    with psycopg.connect(database_url) as connection:
        yield connection
        connection.rollback()


def with_file(job: Job, **values: Any) -> Artifact:
    name = storage_name(job.pk, 1, "result")
    storages["artifacts"].save(name, ContentFile(b"x"))
    return Artifact.objects.create(
        job=job, role="result", filename="x", content_type="text/csv", encoding="utf-8", row_count=0, size_bytes=1,
        sha256="0" * 64, published_at=Now(), storage_name=name, **{"expires_at": Now(), **values},
    )  # fmt: skip


def audited() -> Counter[tuple[str, str]]:
    return Counter(AuditEntry.objects.values_list("action", "target_id"))


@pytest.mark.slow
def test_a_storm_of_cancellations_beside_the_sweeps(make_job: Callable[..., Job]) -> None:
    jobs = []
    for state in (State.QUEUED, State.RUNNING, State.SUCCEEDED, State.DEAD) * 9:
        has_ended = state in (State.SUCCEEDED, State.DEAD)
        jobs.append(make_job(state=state, finished_at=Now() if has_ended else None))
        if state == State.SUCCEEDED:
            with_file(jobs[-1])
    orders = [job.pk for job in jobs] * 4
    random.shuffle(orders)

    with Threads(12) as threads:
        acts: list[Future[Any]] = [threads.submit(purge_or_cancel, pk, actor="ada") for pk in orders]
        names = ("expire_artifacts", "release_due_jobs", "prune_jobs", "republish_lost_jobs") * 3
        acts += [threads.submit(SWEEPS[name]) for name in names]
    assert [error for act in acts if (error := act.exception()) is not None] == []
    counts = audited()
    assert set(counts.values()) == {1}
    assert counts.total() == sum(2 if job.state == State.QUEUED else 1 for job in jobs), "cancelled, then deleted"


def test_a_file_expires_while_its_owner_deletes_it(make_job: Callable[..., Job], other: psycopg.Connection) -> None:
    job = make_job(state=State.SUCCEEDED, finished_at=Now())
    artifact = with_file(job)
    other.execute("UPDATE jobs_artifact SET deleted_at = now() WHERE id = %s", [artifact.pk])
    with Threads(1) as threads:
        purge = threads.submit(purge_jobs, [job.pk], actor="ada")
        wait_until(a_session_waits_for_a_lock)
        other.execute(
            "INSERT INTO jobs_event (job_id, name, actor, details) VALUES (%s, 'expired', '', '{}')", [job.pk]
        )
        other.commit()
        assert purge.result().changed == [job.pk]


def test_a_job_that_somebody_holds_is_pruned_later(make_job: Callable[..., Job], other: psycopg.Connection) -> None:
    held, free = (make_job(state=State.SUCCEEDED, finished_at=LONG_AGO) for _ in range(2))
    other.execute("SELECT FROM jobs_job WHERE id = %s FOR NO KEY UPDATE", [held.pk])
    with Threads(1) as threads:
        try:
            assert threads.submit(SWEEPS["prune_jobs"]).result(timeout=10) == 1
        finally:
            other.rollback()
    assert list(Job.objects.all()) == [held]
    assert SWEEPS["prune_jobs"]() == 1
    assert not Job.objects.filter(pk=free.pk).exists()


def test_a_job_that_somebody_holds_becomes_due_later(make_job: Callable[..., Job], other: psycopg.Connection) -> None:
    held, free = (make_job(due=False, scheduled_at=LONG_AGO, released_at=None, queue="uploads") for _ in range(2))
    other.execute("SELECT FROM jobs_job WHERE id = %s FOR NO KEY UPDATE", [held.pk])
    with Threads(1) as threads:
        try:
            threads.submit(SWEEPS["release_due_jobs"]).result(timeout=10)
        finally:
            other.rollback()
    assert list(Job.objects.filter(due=True)) == [free]
    SWEEPS["release_due_jobs"]()
    assert set(Job.objects.filter(due=True)) == {held, free}


def test_what_postgresql_ends_for_a_deadlock_is_done_again(make_job: Callable[..., Job], database_url: str) -> None:
    first, second = sorted((make_job(released_at=None) for _ in range(2)), key=lambda job: job.pk)
    # The session that waited last looks for a deadlock last; this one never looks.
    with psycopg.connect(database_url, options="-c deadlock_timeout=60s") as other, Threads(1) as threads:
        other.execute("SELECT FROM jobs_job WHERE id = %s FOR UPDATE", [second.pk])
        cancel = threads.submit(cancel_jobs, [first.pk, second.pk], actor="ada")
        wait_until(a_session_waits_for_a_lock)
        other.execute("SELECT FROM jobs_job WHERE id = %s FOR UPDATE", [first.pk])
        other.rollback()
        assert cancel.result().changed == [first.pk, second.pk]
    assert audited() == {("cancel", str(first.pk)): 1, ("cancel", str(second.pk)): 1}
    assert [event.name for event in first.events.all()] == ["cancelled"]


def test_a_job_is_deleted_once(make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.CANCELLED, finished_at=Now())
    assert purge_or_cancel(job.pk, actor="ada") is True
    assert purge_jobs([job.pk], actor="ada").refused == {job.pk: "it has already been deleted"}
    assert purge_or_cancel(job.pk, actor="ada") is False
    assert audited() == {("delete", str(job.pk)): 1}


def test_a_replay_waits_for_the_queue_without_holding_a_delivery(owner: User, other: psycopg.Connection) -> None:
    payload = {"job": "x", "url": "https://example.org/", "host": "example.org", "message": "m", "body": {}}
    delivery = submit_job(kind=CALLBACK, owner=owner, payload=payload)
    Job.objects.filter(pk=delivery.pk).update(state=State.SUCCEEDED, finished_at=Now(), released_at=None)
    other.execute("UPDATE jobs_queue SET max_queued = 10 WHERE name = 'callbacks'")
    other.commit()
    other.execute("SELECT FROM jobs_queue WHERE name = 'callbacks' FOR UPDATE")
    with Threads(1) as threads:
        replay = threads.submit(replay_delivery, delivery)
        wait_until(a_session_waits_for_a_lock)
        try:
            other.execute("SELECT FROM jobs_job WHERE id = %s FOR UPDATE NOWAIT", [delivery.pk])
        finally:
            other.rollback()
        assert replay.result().payload == payload
