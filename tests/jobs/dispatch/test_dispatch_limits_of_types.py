"""How many jobs of one type run and wait, and whether any do."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs import kinds
from jobs.dispatch.release import release_jobs
from jobs.dispatch.submission import submit_job
from jobs.errors import AdmissionError
from jobs.inspection import Inspector
from jobs.interventions.dials import set_type_dials
from jobs.kinds import Kind, register_kind
from jobs.models import Job, Queue, TypeDials
from jobs.states import State
from tests.support.messages import message_ids
from tests.support.threads import Threads

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE = "unheard"


@pytest.fixture(autouse=True)
def queue(unheard: str) -> None:
    Queue.objects.filter(name=unheard).update(max_running=4)


@pytest.fixture
def typed(owner: User, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Job]:
    """Orders one of a type, of a kind that has types."""
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))

    class Typed(Inspector):
        def type_of(self, payload: dict[str, Any]) -> str:
            return str(payload["type"])

    register_kind(Kind(name="typed", queue=QUEUE, handler=lambda context: None, inspector=Typed()))
    return lambda type_: submit_job(kind="typed", owner=owner, payload={"type": type_})


def test_a_type_has_no_more_places_than_the_dials_say(waiting: Callable[..., Job]) -> None:
    Queue.objects.filter(name=QUEUE).update(max_running_per_type=2)
    TypeDials.objects.create(kind="test", type="heavy", max_running=1)
    waiting(type="light", state=State.RUNNING)
    heavy = [waiting(type="heavy") for _ in range(3)]
    light = [waiting(type="light") for _ in range(3)]
    assert release_jobs(QUEUE) == [heavy[0].pk, light[0].pk]
    assert release_jobs(QUEUE) == []
    Job.objects.filter(pk=heavy[0].pk).update(state=State.SUCCEEDED)
    assert release_jobs(QUEUE) == [heavy[1].pk]


def test_another_kinds_type_of_that_name_is_another(waiting: Callable[..., Job]) -> None:
    TypeDials.objects.create(kind="other", type="heavy", max_running=1)
    jobs = [waiting(type="heavy") for _ in range(3)]
    assert release_jobs(QUEUE) == [job.pk for job in jobs]


def test_the_places_that_a_full_type_leaves_go_to_the_next_in_the_ring(waiting: Callable[..., Job]) -> None:
    TypeDials.objects.create(kind="test", type="heavy", max_running=1)
    ada, grace = (User.objects.create_user(name) for name in ("user0", "user1"))
    of_ada = [waiting(owner=ada, type="heavy"), waiting(owner=ada, type="heavy"), waiting(owner=ada, type="light")]
    of_grace = [waiting(owner=grace, type="heavy"), waiting(owner=grace, type="light")]
    low = waiting(owner=grace, type="other", priority=-1)
    assert release_jobs(QUEUE) == [of_ada[0].pk, of_grace[1].pk, of_ada[2].pk, low.pk]


def test_a_paused_type_waits_and_a_dial_hands_it_out_at_once(waiting: Callable[..., Job], unheard: str) -> None:
    set_type_dials("test", "heavy", actor="ada", reason="it hurts", paused=True)
    held = waiting(type="heavy", priority=9)
    assert release_jobs(QUEUE) == []
    set_type_dials("test", "heavy", actor="ada", reason="mended", paused=False)
    assert message_ids(unheard) == [str(held.pk)]


def test_a_closed_type_is_refused_and_leaves_no_row(typed: Callable[[str], Job]) -> None:
    set_type_dials("typed", "heavy", actor="ada", reason="it hurts", accepting=False)
    with pytest.raises(AdmissionError, match="New orders of heavy are not accepted at the moment") as refusal:
        typed("heavy")
    assert (refusal.value.scope, refusal.value.type, refusal.value.limit) == ("type", "heavy", None)
    assert not Job.objects.exists()
    typed("light")


def test_what_is_handed_out_or_not_due_yet_counts_for_the_dial(
    typed: Callable[[str], Job], waiting: Callable[..., Job]
) -> None:
    set_type_dials("typed", "heavy", actor="ada", reason="few only", max_queued=2)
    waiting(kind="typed", type="heavy", released_at=Now())
    waiting(kind="typed", type="light")
    not_due = waiting(kind="typed", type="heavy", due=False, scheduled_at=Now() + timedelta(days=1))
    with pytest.raises(AdmissionError, match="2 jobs of type heavy are already queued, which is the maximum"):
        typed("heavy")
    not_due.delete()
    typed("heavy")


def test_as_many_of_a_type_wait_as_its_dial_says(typed: Callable[[str], Job], waiting: Callable[..., Job]) -> None:
    Queue.objects.filter(name=QUEUE).update(paused=True)
    set_type_dials("typed", "heavy", actor="ada", reason="few only", max_queued=3)

    def order(_: int) -> str:
        try:
            return str(typed("heavy").state)
        except AdmissionError:
            return "refused"

    with Threads(10) as threads:
        assert Counter(threads.map(order, range(10))) == {"queued": 3, "refused": 7}
    typed("light")


@pytest.mark.slow
def test_fifty_who_release_and_end_at_once_keep_to_every_limit(waiting: Callable[..., Job]) -> None:
    """What runs is counted by each of them after each step, in a snapshot of its own."""
    Queue.objects.filter(name=QUEUE).update(max_running=6, max_running_per_owner=2, max_running_per_type=2)
    owners = [User.objects.create_user(f"user{number}") for number in range(5)]
    Job.objects.bulk_create(
        Job(kind="test", queue=QUEUE, type=f"t{n % 4}", owner=owners[n % 5], payload={}, max_attempts=5)
        for n in range(200)
    )
    seen: list[tuple[int, int, int]] = []

    def work(_: int) -> None:
        while ids := release_jobs(QUEUE) or list(held().values_list("pk", flat=True)[:1]):
            seen.append(highest())
            Job.objects.filter(pk__in=ids).update(state=State.SUCCEEDED, released_at=None)

    with Threads(50) as threads:
        list(threads.map(work, range(50)))
    assert Job.objects.filter(state=State.SUCCEEDED).count() == 200
    assert tuple(map(max, zip(*seen, strict=True))) == (6, 2, 2)


@pytest.mark.slow
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    jobs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 1)), min_size=1, max_size=25),
    places=st.none() | st.integers(1, 6),
    per_owner=st.none() | st.integers(1, 3),
    per_type=st.none() | st.integers(1, 3),
    of_one=st.none() | st.integers(1, 3),
)
def test_no_place_is_left_while_somebody_may_have_it(
    jobs: list[tuple[int, int, int]],
    places: int | None,
    per_owner: int | None,
    per_type: int | None,
    of_one: int | None,
    waiting: Callable[..., Job],
) -> None:
    Job.objects.filter(queue=QUEUE).delete()
    users = [None, *(User.objects.get_or_create(username=f"user-{number}")[0] for number in range(3))]
    limits: dict[str, Any] = {"max_running_per_owner": per_owner, "max_running_per_type": per_type}
    Queue.objects.filter(name=QUEUE).update(max_running=places, **limits)
    TypeDials.objects.update_or_create(kind="test", type="t1", defaults={"max_running": of_one})
    rows = [
        Job(kind="test", queue=QUEUE, owner=users[user], type=f"t{type_}", priority=level, payload={}, max_attempts=5)
        for user, type_, level in jobs
    ]
    Job.objects.bulk_create(rows)
    by_id = {row.pk: row for row in rows}
    left = set(by_id)
    while left:
        ids = release_jobs(QUEUE)
        assert ids
        left -= set(ids)
        assert places is None or len(ids) <= places
        of_owner = Counter(by_id[pk].owner_id for pk in ids)
        of_type = Counter(by_id[pk].type for pk in ids)
        room = partial(has_room, per_type=per_type, of_one=of_one)
        assert all(room(type_, count - 1) for type_, count in of_type.items())
        assert per_owner is None or all(count <= per_owner for owner, count in of_owner.items() if owner)
        if places is None or len(ids) < places:
            for pk in left:
                owner = by_id[pk].owner_id
                owner_full = per_owner is not None and owner is not None and of_owner[owner] >= per_owner
                assert owner_full or not room(by_id[pk].type, of_type[by_id[pk].type])
        Job.objects.filter(pk__in=ids).update(state=State.SUCCEEDED, released_at=None)


def has_room(type_: str, running: int, *, per_type: int | None, of_one: int | None) -> bool:
    limit = of_one if type_ == "t1" and of_one is not None else per_type
    return limit is None or running < limit


def held() -> Any:
    return Job.objects.filter(queue=QUEUE, state=State.QUEUED, released_at__isnull=False)


def highest() -> tuple[int, int, int]:
    """How many hold a place: of all, of one owner, of one type."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT owner, type FROM jobs_job WHERE queue = %s AND state = 'queued' AND released_at IS NOT NULL",
            [QUEUE],
        )
        rows = cursor.fetchall()
    owners, types = (Counter(column) for column in zip(*rows, strict=True)) if rows else (Counter([0]), Counter([0]))
    return len(rows), max(owners.values()), max(types.values())
