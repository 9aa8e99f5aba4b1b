"""The state of the service in numbers and words."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.files import room
from jobs.maintenance.sweeps import SWEEPS
from jobs.models import Activity, Artifact, Job, Queue, Sweep, Worker
from jobs.models.bulk import BulkRun
from jobs.monitoring import overview
from jobs.monitoring.overview import QueueFigures, capped, queue_figures, sweep_states
from jobs.monitoring.troubles import troubles
from jobs.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def all_sweeps_ran_and_all_queues_are_consumed(settings: Settings) -> None:
    Worker.objects.create(name="all@here", queues=settings.QUEUE_NAMES, started_at=Now(), seen_at=Now())
    for name in SWEEPS:
        Sweep.objects.create(name=name, last_started_at=timezone.now(), last_finished_at=timezone.now())


def figures(name: str = "reports") -> QueueFigures:
    return next(queue for queue in queue_figures() if queue.name == name)


def words() -> list[tuple[str, str]]:
    """Each trouble, and where its first button leads."""
    root = User(is_superuser=True)
    found = troubles(queue_figures(), sweep_states())
    return [(trouble.text, trouble.remedies_for(root)[0].url) for trouble in found]


def test_jobs_are_counted_by_queue(make_job: Callable[..., Job]) -> None:
    for values in (
        {"released_at": None, "created_at": Now() - timedelta(seconds=90)}, {"released_at": None},
        {"released_at": None, "due": False, "scheduled_at": Now() + timedelta(days=1)},
        {}, {"state": State.RUNNING, "lease_expires_at": Now()}, {"state": State.FAILED, "retry_at": Now()},
        {"state": State.DEAD}, {"state": State.DEAD}, {"state": State.SUCCEEDED, "finished_at": Now()},
        {"state": State.DEAD, "queue": "uploads"},
    ):  # fmt: skip
        make_job(**values)
    found = figures()
    assert (found.waiting, found.handed_out, found.running, found.failed, found.dead) == (2, 1, 1, 1, 2)
    assert found.oldest_wait is not None
    assert 89 < float(found.oldest_wait) < 120
    assert figures("uploads").dead == 1
    assert figures("uploads").oldest_wait is None


def test_counts_end_at_a_bound(make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "BOUND", 2)
    for _ in range(3):
        make_job(state=State.DEAD)
    assert (figures().dead, capped(figures().dead)) == (2, "2 or more")


def test_the_last_hour_and_day_are_counted_by_step() -> None:
    now = timezone.now()
    for minutes, outcome, attempts in ((0.5, "succeeded", 3), (0.5, "lost", 1), (40, "failed", 2), (300, "failed", 4)):
        Activity.objects.create(
            minute=now - timedelta(minutes=minutes), queue="reports", outcome=outcome, attempts=attempts, seconds=1,
            rows=1,
        )  # fmt: skip
    found = figures()
    assert (found.hour.succeeded[-1], found.hour.failed[-1], found.hour.failed[-41]) == (3, 1, 2)
    assert (found.hour.attempts, found.hour.failure_rate) == (6, 0.5)
    assert (found.day.attempts, found.day.failed[-11]) == (10, 4)
    assert figures("uploads").hour.failure_rate == 0


def test_all_is_well_while_nothing_is_wrong(make_job: Callable[..., Job]) -> None:
    make_job(state=State.SUCCEEDED, finished_at=Now())
    assert words() == []


@pytest.mark.parametrize(
    ("values", "text", "query"),
    [
        (
            {"state": State.DEAD},
            "1 job in the queue reports is dead: it will not be retried until a person decides.",
            "state=dead&queue=reports",
        ),
        (
            {"released_at": None, "created_at": Now() - timedelta(hours=1)},
            "The oldest job in the queue reports has waited for 1 h.",
            "state=queued&queue=reports",
        ),
        (
            {"state": State.RUNNING, "lease_expires_at": Now() - timedelta(minutes=1)},
            "1 job is running although its worker no longer responds, and the sweep rescue_orphaned_jobs is late.",
            "trouble=orphaned",
        ),
        (
            {"state": State.FAILED, "retry_at": Now() - timedelta(minutes=5)},
            "1 job is overdue for its retry, and the sweep retry_failed_jobs is late.",
            "trouble=overdue",
        ),
    ],
)
def test_jobs_in_trouble_are_named_with_a_link(
    make_job: Callable[..., Job], values: dict[str, Any], text: str, query: str
) -> None:
    make_job(**values)
    assert words() == [(text, f"/admin/jobs/job/?{query}")]


def test_a_paused_and_a_closed_queue_are_named(make_job: Callable[..., Job]) -> None:
    make_job(released_at=None)
    Queue.objects.filter(name="reports").update(paused=True, accepting=False)
    assert [text for text, _ in words()] == [
        "The queue reports is paused: no job in it starts, and 1 job is waiting.",
        "The queue reports is closed: new orders are refused.",
    ]


def test_a_high_rate_of_failures_is_named() -> None:
    Activity.objects.create(minute=timezone.now(), queue="reports", outcome="failed", attempts=5, seconds=1, rows=0)
    Activity.objects.create(minute=timezone.now(), queue="reports", outcome="succeeded", attempts=15, seconds=1, rows=0)
    text = "25% of the attempts in the queue reports failed within the last hour."
    assert words() == [(text, "/admin/jobs/job/groups/")]


def test_a_sweep_that_is_late_or_fails_is_named() -> None:
    Sweep.objects.filter(name="prune_jobs").update(last_finished_at=timezone.now() - timedelta(hours=1))
    Sweep.objects.filter(name="expire_artifacts").update(last_error="no such bucket")
    assert [text for text, _ in words()] == [
        "The sweep expire_artifacts fails: no such bucket",
        "The sweep prune_jobs last ran 1 h ago, but should run every 5 min.",
    ]


def test_a_sweep_that_has_never_run_is_late_once_it_could_have(monkeypatch: pytest.MonkeyPatch) -> None:
    Sweep.objects.filter(name="prune_jobs").delete()
    monkeypatch.setattr(overview, "LATE_SECONDS", 1_000_000)  # the tests' database may be an old one
    assert words() == []
    monkeypatch.setattr(overview, "LATE_SECONDS", -10_000)
    late = {sweep.name for sweep in sweep_states() if sweep.is_late}
    assert "prune_jobs" in late
    monkeypatch.undo()


def test_a_storage_without_room_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LOW_STORAGE_BYTES", 10**18)
    Path(room.storages["artifacts"].location).mkdir(parents=True, exist_ok=True)  # type: ignore[attr-defined]
    [(text, page)] = words()
    assert re.fullmatch(r"The file storage has only [\d,]+ MiB left\.", text)
    assert page == "/admin/jobs/artifact/"


def test_files_that_are_damaged_are_named_until_they_are_deleted(make_job: Callable[..., Job]) -> None:
    artifact = Artifact.objects.create(
        job=make_job(), role="result", filename="x", content_type="text/csv", encoding="utf-8", row_count=0,
        size_bytes=1, sha256="0" * 64, published_at=timezone.now(), storage_name="aa/x", damaged_at=timezone.now(),
    )  # fmt: skip
    text = "1 file is missing from storage, or has the wrong size. It cannot be downloaded."
    assert words() == [(text, "/admin/jobs/artifact/?damaged=yes")]
    Artifact.objects.filter(pk=artifact.pk).update(deleted_at=timezone.now())
    assert words() == []


def test_a_halted_bulk_run_is_named() -> None:
    run = BulkRun.objects.create(
        act="requeue", criteria={}, reason="r", ordered_by=User.objects.create_user("g"), stage="halted", note="Why."
    )
    assert words() == [(f"Bulk run {run.pk} is halted. Why.", f"/admin/jobs/bulkrun/{run.pk}/change/")]


def test_it_takes_as_many_queries_however_many_jobs_and_queues(
    make_job: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(16):
        words()
    for number in range(20):
        make_job(state=State.DEAD)
        Queue.objects.create(name=f"queue {number}")
    with django_assert_num_queries(16):
        words()
