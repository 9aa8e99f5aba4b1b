"""Whose turn it is: priority, then owner after owner, then age."""

from collections import Counter
from collections.abc import Callable
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.dispatch.fairness import HAND_OUT, hand_out
from jobs.dispatch.positions import REMEMBERED
from jobs.dispatch.release import release_jobs
from jobs.models import HandOut, Job, Queue
from jobs.states import State
from tests.support.messages import message_ids
from tests.support.people import people

pytestmark = pytest.mark.django_db(transaction=True)

QUEUE = "unheard"


@pytest.fixture(autouse=True)
def queue(unheard: str) -> None:
    Queue.objects.filter(name=unheard).update(max_running=1)


def serve() -> list[Job]:
    """Release, and end what was released, until nothing waits."""
    served = []
    while ids := release_jobs(QUEUE):
        found = Job.objects.in_bulk(ids)
        served += [found[pk] for pk in ids]
        Job.objects.filter(pk__in=ids).update(state=State.SUCCEEDED)
    return served


def test_the_second_owner_is_next_however_many_the_first_has_waiting(waiting: Callable[..., Job]) -> None:
    ada, grace = people(2)
    first = [waiting(owner=ada) for _ in range(20)]
    assert release_jobs(QUEUE) == [first[0].pk]
    late = waiting(owner=grace)
    assert release_jobs(QUEUE) == []
    Job.objects.filter(pk=first[0].pk).update(state=State.SUCCEEDED)
    assert release_jobs(QUEUE) == [late.pk]


@pytest.mark.parametrize("places", [1, 2, 3, 50])
def test_owners_take_turns(places: int, waiting: Callable[..., Job]) -> None:
    Queue.objects.filter(name=QUEUE).update(max_running=places)
    ada, grace, mary = people(3)
    jobs = {
        owner.pk: [waiting(owner=owner) for _ in range(count)] for owner, count in ((ada, 5), (grace, 2), (mary, 3))
    }
    order = [ada, grace, mary, ada, grace, mary, ada, mary, ada, ada]
    expected = [jobs[owner.pk].pop(0).pk for owner in order]
    assert [job.pk for job in serve()] == expected


def test_jobs_without_an_owner_have_one_turn_too(waiting: Callable[..., Job]) -> None:
    [ada] = people(1)
    mine = [waiting(owner=ada) for _ in range(2)]
    nobodys = [waiting(owner=None) for _ in range(2)]
    assert [job.pk for job in serve()] == [mine[0].pk, nobodys[0].pk, mine[1].pk, nobodys[1].pk]


def test_priority_goes_before_turns(waiting: Callable[..., Job]) -> None:
    ada, grace = people(2)
    low = waiting(owner=grace, priority=-5)
    urgent = [waiting(owner=ada, priority=9) for _ in range(3)]
    normal = waiting(owner=grace)
    assert [job.pk for job in serve()] == [*(job.pk for job in urgent), normal.pk, low.pk]


def test_one_statement_hands_out_where_nothing_else_waits(waiting: Callable[..., Job]) -> None:
    Queue.objects.filter(name=QUEUE).update(max_running=9)
    jobs = [waiting(), waiting(priority=3)]
    with CaptureQueriesContext(connection) as queries:
        assert hand_out(QUEUE, at_most=1) == [jobs[1].pk]
    assert len(queries) == 2, "the lock and the turn"
    with CaptureQueriesContext(connection) as queries:
        assert hand_out(QUEUE, at_most=9) == [jobs[0].pk]
    assert len(queries) == 2


def searched_indexes() -> set[str]:
    """The indexes of jobs that the plan of a hand-out searches, and the table if it is read from end to end."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        parameters: dict[str, int | str | None] = {"queue": QUEUE, "at_most": 9, "below": 2**15, "since": None}
        cursor.execute(f"EXPLAIN (FORMAT JSON) {HAND_OUT}", parameters)
        nodes, scanned = [cursor.fetchone()[0][0]["Plan"]], set()
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if node.get("Relation Name") == "jobs_job" and node["Node Type"] != "ModifyTable":
            scanned.add(node.get("Index Name", "jobs_job"))
    return scanned


def test_a_hand_out_searches_indexes_of_the_jobs() -> None:
    ada = people(1)[0]
    Job.objects.bulk_create(
        Job(kind="test", type=f"type-{n % 5}", payload={}, queue=QUEUE, owner=ada, max_attempts=5) for n in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")
    names = ("pkey", "waiting", "oldest", "running", "released")
    with transaction.atomic():
        assert searched_indexes() == {f"jobs_job_{name}" for name in names}


def test_an_owner_has_no_more_places_than_the_dial_says(waiting: Callable[..., Job]) -> None:
    Queue.objects.filter(name=QUEUE).update(max_running=5, max_running_per_owner=2)
    ada, grace, _ = people(3)
    waiting(owner=ada, state=State.RUNNING)
    of_ada = [waiting(owner=ada) for _ in range(4)]
    urgent = [waiting(owner=ada, priority=5) for _ in range(1)]
    of_grace = [waiting(owner=grace) for _ in range(3)]
    assert release_jobs(QUEUE) == [urgent[0].pk, of_grace[0].pk, of_grace[1].pk]
    Job.objects.filter(pk=urgent[0].pk).update(state=State.SUCCEEDED)
    assert release_jobs(QUEUE) == [of_ada[0].pk]


def test_the_limit_of_an_owner_is_none_for_jobs_without_one(waiting: Callable[..., Job]) -> None:
    Queue.objects.filter(name=QUEUE).update(max_running=None, max_running_per_owner=1)
    jobs = [waiting(owner=None) for _ in range(3)]
    assert release_jobs(QUEUE) == [job.pk for job in jobs]


@pytest.mark.slow
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    owners=st.lists(st.integers(0, 4), min_size=1, max_size=30),
    places=st.integers(1, 6),
    per_owner=st.none() | st.integers(1, 3),
    last_owner=st.integers(0, 10),
    since=st.sampled_from((None, REMEMBERED)),
)
def test_nobody_is_two_jobs_ahead_of_anybody_who_waits(
    owners: list[int],
    places: int,
    per_owner: int | None,
    last_owner: int,
    since: UUID | None,
    waiting: Callable[..., Job],
) -> None:
    Job.objects.filter(queue=QUEUE).delete()
    HandOut.objects.filter(queue=QUEUE).delete()
    users = [User.objects.get_or_create(username=f"user-{number}")[0] for number in range(5)]
    Queue.objects.filter(name=QUEUE).update(
        max_running=places, max_running_per_owner=per_owner, last_owner=users[0].pk - 1 + last_owner
    )
    Job.objects.bulk_create(
        Job(kind="test", queue=QUEUE, owner=users[number], payload={}, max_attempts=5) for number in owners
    )
    left = Counter(owners)
    served: Counter[int] = Counter()
    order: dict[int, list[str]] = {}
    while ids := release_jobs(QUEUE, since=since):
        assert len(ids) <= places
        found = Job.objects.in_bulk(ids)
        batch: Counter[int] = Counter()
        for pk in ids:
            number = users.index(found[pk].owner)  # type: ignore[arg-type]
            batch[number] += 1
            served[number] += 1
            left[number] -= 1
            order.setdefault(number, []).append(str(pk))
            waiting_longer = [other for other in users_waiting(left) if served[other] < served[number] - 1]
            assert not waiting_longer or per_owner is not None
        assert per_owner is None or max(batch.values()) <= per_owner
        Job.objects.filter(pk__in=ids).update(state=State.SUCCEEDED)
    assert +left == Counter()
    assert all(ids == sorted(ids) for ids in order.values())


def users_waiting(left: Counter[int]) -> list[int]:
    return [number for number, count in left.items() if count > 0]


@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False])
def test_the_cost_is_that_of_the_jobs_picked(known: bool, make_job: Callable[..., Job]) -> None:
    """The index is hopped through, not read: of 50,000 waiting jobs, few pages are read or written.

    Also where they are not `known`: PostgreSQL last looked at the table before they came. (The table is a new one:
    had it pages without a row when PostgreSQL looked, the plan is a bad one until autovacuum looks again. So
    autovacuum must not look while the rows are added.)
    """
    ada, grace = people(2)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_job SET (autovacuum_enabled = false)")
        cursor.execute("TRUNCATE jobs_job CASCADE")
        cursor.execute("ANALYZE jobs_job")
    add_waiting_jobs(QUEUE, ada, count=50_000)
    late = make_job(queue=QUEUE, owner=grace, released_at=None)
    Queue.objects.filter(name=QUEUE).update(max_running=2)
    with connection.cursor() as cursor:
        if known:
            cursor.execute("ANALYZE jobs_job")
        cursor.execute("SELECT pg_stat_force_next_flush()")
        before = blocks(cursor)
        handed_out = hand_out(QUEUE, at_most=100)
        cursor.execute("SELECT pg_stat_force_next_flush()")
        touched = blocks(cursor) - before
        cursor.execute("ALTER TABLE jobs_job RESET (autovacuum_enabled)")
    assert late.pk in handed_out
    # Some three pages a job, and the whole table has thousands.
    assert touched < 500, touched
    assert message_ids(QUEUE) == []


def add_waiting_jobs(queue: str, owner: User, *, count: int) -> None:
    """In one statement: what Django would take half a minute for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_job (id, kind, queue, owner, payload, state, priority, due, attempt_count, max_attempts, "
            "fencing_token, progress_done, progress_percent, error_class, error_message, error_fingerprint, "
            "request_fingerprint) SELECT gen_random_uuid(), 'test', %s, %s, '{}', 'queued', 0, true, 0, 5, 0, 0, 0, "
            "'', '', '', '' FROM generate_series(1, %s)",
            [queue, owner.pk, count],
        )


def blocks(cursor: object) -> int:
    """Pages of the table's indexes and of the table that were read so far."""
    cursor.execute(  # type: ignore[attr-defined]
        "SELECT heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read "
        "FROM pg_statio_user_tables WHERE relname = 'jobs_job'"
    )
    return int(cursor.fetchone()[0])  # type: ignore[attr-defined]
