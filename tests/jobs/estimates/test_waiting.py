"""How long a queued job waits, and when nobody knows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone

from jobs.estimates.estimate import estimate
from jobs.estimates.waiting import RUNNING_READ, read_flow, seconds_to_wait
from jobs.models import Activity, Job, Queue, RecentRuns, TypeDials, Worker
from jobs.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs(make_job: Callable[..., Job]) -> Callable[..., Job]:
    """A running job of a type, begun so long ago."""

    def make(*, ago: float = 0, **values: Any) -> Job:
        now = timezone.now()
        started = {"started_at": now - timedelta(seconds=ago), "updated_at": now, "lease_expires_at": now}
        return make_job(state=State.RUNNING, **({"type": "short"} | started | values))

    return make


@pytest.fixture
def waits(make_job: Callable[..., Job]) -> Callable[..., Job]:
    return lambda **values: make_job(**{"released_at": None, "type": "short", **values})


def took(of: str, seconds: float) -> None:
    """Runs of a type always take so long."""
    RecentRuns.objects.create(kind="test", type=of, seconds=[seconds] * 9, rows=[0] * 9, rows_expected=[None] * 9)


def ended(*, minutes_ago: float, attempts: int, seconds: float) -> None:
    minute = (timezone.now() - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
    Activity.objects.create(
        minute=minute, queue="reports", outcome="succeeded", attempts=attempts, seconds=attempts * seconds, rows=0
    )


def wait_of(job: Job) -> float | None:
    flow = read_flow(job)
    assert flow is not None
    return seconds_to_wait(job, flow)


def is_still(job: Job) -> bool:
    flow = read_flow(job)
    assert flow is not None
    return flow.is_still


def test_the_next_begins_when_a_place_is_free(runs: Callable[..., Job], waits: Callable[..., Job]) -> None:
    took("short", 10)
    runs(ago=4)
    runs(ago=7)
    assert wait_of(waits()) == pytest.approx(3, abs=0.5)


def test_a_job_waits_for_what_those_ahead_take_each_by_its_type(
    runs: Callable[..., Job], waits: Callable[..., Job]
) -> None:
    took("short", 10)
    took("long", 300)
    runs(ago=4)
    waits()
    waits()
    assert wait_of(waits()) == pytest.approx(26, abs=0.5)
    for _ in range(2):
        waits(type="long", priority=1)
    assert wait_of(waits(type="long", priority=1)) == pytest.approx(606, abs=0.5)
    assert 206 <= (wait_of(waits()) or 0) <= 1506, "two in six of them are long"


def test_a_running_job_that_tells_of_its_rows_is_believed(runs: Callable[..., Job], waits: Callable[..., Job]) -> None:
    took("short", 10)
    began = timezone.now() - timedelta(seconds=5)
    runs(ago=5, progress_done=100, progress_total=1000, progress_rate=2.0, progress_began_at=began)
    assert wait_of(waits()) == pytest.approx(450, abs=1)


def test_one_that_has_taken_longer_than_any_before_is_as_if_it_began_now(
    runs: Callable[..., Job], waits: Callable[..., Job]
) -> None:
    took("short", 10)
    runs(ago=1000)
    assert wait_of(waits()) == 10


def test_a_type_without_a_history_is_as_the_jobs_of_the_queue(
    runs: Callable[..., Job], waits: Callable[..., Job]
) -> None:
    runs(ago=4)
    assert wait_of(waits()) is None
    ended(minutes_ago=600, attempts=10, seconds=500)
    assert wait_of(waits(priority=1)) == pytest.approx(500)
    ended(minutes_ago=30, attempts=10, seconds=20)
    assert wait_of(waits(priority=2)) == pytest.approx(20)


def test_where_jobs_are_too_short_to_be_seen_they_are_counted_as_they_end(
    make_job: Callable[..., Job], waits: Callable[..., Job]
) -> None:
    took("short", 0.01)
    waits()
    job = waits()
    assert wait_of(job) is None
    for minutes_ago in range(2, 5):
        ended(minutes_ago=minutes_ago, attempts=6000, seconds=0.01)
    assert wait_of(job) == pytest.approx(2 / 60)
    make_job(released_at=timezone.now() - timedelta(seconds=5))
    assert wait_of(job) == pytest.approx(3 / 60)


def test_without_a_worker_nobody_knows_however_many_have_just_ended(
    make_job: Callable[..., Job], waits: Callable[..., Job]
) -> None:
    took("short", 1)
    ended(minutes_ago=2, attempts=600, seconds=1)
    Worker.objects.create(name="csv@here", queues=["reports"], started_at=Now(), seen_at=Now())
    job, next_job = make_job(released_at=timezone.now() - timedelta(seconds=5), type="short"), waits()
    assert (wait_of(job), estimate(job).left) == (0.5, 1.5)
    Worker.objects.update(queues=["housekeeping"])
    for one in (job, next_job):
        assert wait_of(one) is None
        assert estimate(one).left is None


def test_who_is_handed_out_begins_at_once_or_when_a_worker_is_free(
    runs: Callable[..., Job], make_job: Callable[..., Job], waits: Callable[..., Job]
) -> None:
    took("short", 10)
    now = timezone.now()
    assert wait_of(make_job(type="short", released_at=now)) == 0
    first = make_job(type="short", released_at=now - timedelta(seconds=60))
    second = make_job(type="short", released_at=now - timedelta(seconds=30))
    Job.objects.filter(released_at=now).delete()
    assert wait_of(first) is None, "nothing runs: is there a worker?"
    runs(ago=4)
    assert wait_of(first) == pytest.approx(6, abs=0.5)
    assert wait_of(second) == pytest.approx(16, abs=0.5)
    assert wait_of(waits()) == pytest.approx(26, abs=0.5)


def test_what_is_about_to_be_claimed_takes_a_place(make_job: Callable[..., Job], waits: Callable[..., Job]) -> None:
    took("short", 10)
    make_job(type="short", released_at=timezone.now())
    make_job(type="short", released_at=timezone.now())
    assert wait_of(waits()) == 10
    assert wait_of(waits()) == 10
    assert wait_of(waits()) == 20


def test_a_type_of_which_few_may_run_waits_longer(runs: Callable[..., Job], waits: Callable[..., Job]) -> None:
    took("short", 10)
    took("other", 1)
    runs(ago=4)
    for _ in range(3):
        runs(type="other")
    waits()
    job, other = waits(), waits(type="other")
    assert wait_of(job) == pytest.approx(1, abs=0.5)
    TypeDials.objects.create(kind="test", type="short", max_running=1)
    assert wait_of(job) == pytest.approx(16, abs=0.5)
    TypeDials.objects.update(max_running=2)
    assert wait_of(job) == pytest.approx(6, abs=0.5)
    assert wait_of(other) == pytest.approx(1, abs=0.5)
    TypeDials.objects.all().delete()
    Queue.objects.filter(name="reports").update(max_running_per_type=1)
    assert wait_of(job) == pytest.approx(16, abs=0.5)


def test_an_owner_of_whom_few_may_run_waits_longer(
    runs: Callable[..., Job], waits: Callable[..., Job], owner: User
) -> None:
    took("short", 10)
    bob = User.objects.create_user("bob")
    runs(ago=4)
    runs(ago=9, owner=bob)
    runs(owner=None)
    waits()
    job = waits()
    Queue.objects.filter(name="reports").update(max_running_per_owner=1)
    assert wait_of(job) == pytest.approx(16, abs=0.5)
    assert wait_of(waits(owner=bob)) == pytest.approx(6, abs=0.5)
    assert wait_of(waits(owner=None, priority=1)) == pytest.approx(1, abs=0.5), "nobody's have no such limit"


def test_who_is_not_due_waits_until_then(waits: Callable[..., Job]) -> None:
    later = waits(due=False, scheduled_at=timezone.now() + timedelta(seconds=90))
    assert wait_of(later) == pytest.approx(90, abs=0.5)
    assert wait_of(waits(due=False, scheduled_at=timezone.now() - timedelta(seconds=1))) == 0
    assert wait_of(waits(due=False, scheduled_at=None)) is None


def test_of_what_is_paused_nothing_is_known(waits: Callable[..., Job]) -> None:
    job = waits()
    assert not is_still(job)
    TypeDials.objects.create(kind="test", type="short", paused=True)
    assert is_still(job)
    assert not is_still(waits(type="other"))
    Queue.objects.filter(name="reports").update(paused=True)
    assert is_still(waits(type="other"))
    assert read_flow(waits(queue="gone")) is None


@pytest.mark.parametrize(
    ("dials", "knows"),
    [
        ({"max_running": 0}, False),
        ({"max_running_per_type": 0}, False),
        ({"max_running_per_owner": 0}, False),
        ({"max_running": None, "max_running_per_type": None, "max_running_per_owner": None}, True),
        ({"max_running": 1, "max_running_per_type": 1, "max_running_per_owner": 1}, True),
    ],
)
def test_where_a_dial_lets_none_run_nothing_is_known(
    dials: dict[str, int | None], knows: bool, waits: Callable[..., Job]
) -> None:
    Queue.objects.filter(name="reports").update(**dials)
    assert is_still(waits()) != knows


def test_where_more_run_than_are_read_these_stand_for_all(
    runs: Callable[..., Job], waits: Callable[..., Job], django_assert_num_queries: Any
) -> None:
    took("short", 10)
    for _ in range(2 * RUNNING_READ):
        runs(ago=4)
    for _ in range(2 * RUNNING_READ):
        waits()
    job = waits()
    # All of them begin now: to make so many takes a while.
    Job.objects.filter(state=State.RUNNING).update(started_at=Now() - timedelta(seconds=4), updated_at=Now())
    with django_assert_num_queries(2):  # the flow, the running ones
        assert wait_of(job) == pytest.approx(16, abs=1.5)
