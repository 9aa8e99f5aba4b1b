"""What there is: read from the real database and the real machine."""

from contextlib import closing
from typing import Any

import psutil
import pytest
from django.db import connection, connections
from pytest_django import DjangoAssertNumQueries

from jobs.capacity.resources import OTHER_SESSIONS, Resources, Sessions, read_resources
from jobs.files.room import free_bytes
from jobs.models import Queue, TypeDials

pytestmark = pytest.mark.django_db


def read(*, of: tuple[str, str] | None = None, reads: bool = False, **dials: Any) -> Resources:
    Queue.objects.filter(name="reports").update(**dials)
    return read_resources(Queue.objects.get(name="reports"), of=of, reads_database=reads)


def left() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # which a transaction keeps
    [sessions] = read().sessions
    assert sessions.left is not None
    return sessions.left


def test_dials_of_the_queue_stand_by_their_names() -> None:
    assert (read().max_running, read().max_queued) == ({"max_running": 4}, {})
    found = read(max_running=None, max_queued=7, max_queued_per_owner=3, rows_per_second=500)
    assert (found.max_running, found.max_queued) == ({}, {"max_queued": 7})
    assert (found.max_queued_per_owner, found.rows_per_second) == (3, 500)


def test_dials_of_the_type_count_where_it_is_asked_about() -> None:
    dials: Any = {"max_running": 4, "max_running_per_type": 3, "max_queued": 7, "rows_per_second": 500}
    assert read(**dials).max_running == {"max_running": 4}
    sales = ("test", "sales")
    assert read(of=sales, **dials).max_running == {"max_running": 4, "max_running of the type": 3}
    TypeDials.objects.create(kind="test", type="sales", max_running=2, max_queued=1, rows_per_second=50)
    found = read(of=sales, **dials)
    assert found.max_running == {"max_running": 4, "max_running of the type": 2}
    assert (found.max_queued, found.rows_per_second) == ({"max_queued": 7, "max_queued of the type": 1}, 50)


def test_the_sessions_of_others_are_not_left() -> None:
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT sum(setting::int) FILTER (WHERE name = 'max_connections')
                - sum(setting::int) FILTER (WHERE name <> 'max_connections')
            FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')
        """)
        [usable] = cursor.fetchone()
    before = left()
    assert 0 < before <= usable - OTHER_SESSIONS
    for name, taken in (("psql", 1), ("longhaul pacing", 0)):
        with closing(connections.create_connection("default")) as other:
            with other.cursor() as cursor:
                cursor.execute("SELECT set_config('application_name', %s, false)", [name])
            assert left() == before - taken


def test_a_worker_takes_sessions_for_what_it_does() -> None:
    def per_worker(**options: Any) -> int:
        [sessions] = read(**options).sessions
        return sessions.per_worker

    assert per_worker() == 2
    assert per_worker(reads=True) == 3
    assert per_worker(reads=True, pace="auto") == 4
    TypeDials.objects.create(kind="test", type="fixed", pace="fixed")
    TypeDials.objects.create(kind="test", type="auto", pace="auto")
    assert per_worker(of=("test", "fixed"), reads=True, pace="auto") == 3
    assert per_worker(of=("test", "auto"), reads=True, pace="fixed") == 4


def test_a_database_that_nobody_knows_is_no_error() -> None:
    TypeDials.objects.create(kind="test", type="sales", database="gone")
    mine, gone = read(of=("test", "sales"), reads=True).sessions
    assert (mine.database, mine.per_worker) == ("default", 2)
    assert gone == Sessions("gone", None, 1, "the settings name no such database")
    assert len(read(of=("test", "sales")).sessions) == 1


def test_memory_is_of_this_machine_and_room_of_the_storage() -> None:
    found = read()
    assert found.memory_bytes == psutil.virtual_memory().total
    assert 0 < found.available_memory_bytes < found.memory_bytes
    assert (found.free_bytes is None) == (free_bytes() is None)


def test_two_queries_are_enough(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    queue = Queue.objects.get(name="reports")
    with django_assert_num_queries(2):
        read_resources(queue, of=None, reads_database=True)
