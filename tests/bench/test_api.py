"""What the web servers are asked, and what is noticed when an order left too little behind."""

from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from rest_framework.test import APIClient

from bench import order, status, web
from bench.load import Load
from bench.measuring import WrongWorkError
from jobs.models import Job, Queue
from jobs.states import State

pytestmark = pytest.mark.django_db(transaction=True)


def test_accounts_may_ask_ours_and_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "ACCOUNTS", 3)
    for _ in range(2):
        known = web.create_accounts()
        client = APIClient(headers={"authorization": known[2].ours})
        assert client.get("/api/reports").status_code == 200
    assert [User.objects.get(pk=account.pk).username for account in known] == ["web-0", "web-1", "web-2"]


@pytest.mark.parametrize("state", [State.QUEUED, State.SUCCEEDED])
def test_each_job_is_its_owners_and_its_status_is_what_is_looked_for(state: State) -> None:
    owners = User.objects.bulk_create(User(username=f"user-{number}") for number in range(3))
    Job.objects.create(kind="test", queue="reports", payload={}, max_attempts=1)
    status.fill([owner.pk for owner in owners], jobs=7, state=state)
    jobs = list(Job.objects.order_by("pk"))
    assert [job.owner_id for job in jobs] == [owners[number % 3].pk for number in range(7)]
    client = APIClient()
    for job in jobs:
        client.force_authenticate(job.owner)
        answer = client.get(f"/api/reports/{job.pk}/status")
        assert status.ANSWERS[state].match(b"HTTP/1.1 200 OK\r\n\r\n" + answer.content)
    assert Counter(Job.objects.values_list("state", flat=True)) == {state: 7}


def test_the_queue_is_paused_while_jobs_are_to_wait() -> None:
    with status.paused_queue():
        assert Queue.objects.get(name="reports").paused
    assert not Queue.objects.get(name="reports").paused


def test_the_dial_of_the_orders_is_put_back() -> None:
    with order.own_dials():
        Queue.objects.filter(name="reports").update(max_running=None)
    assert Queue.objects.get(name="reports").max_running == 4


@pytest.fixture
def ordered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three orders of which two were handed out, with two messages."""
    monkeypatch.setattr(order, "count_messages", lambda queue: 2)
    for released_at in (Now(), Now(), None):
        Job.objects.create(kind="test", queue="reports", payload={}, max_attempts=1, released_at=released_at)


def test_each_job_that_is_handed_out_has_a_message(ordered: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "count_messages", lambda queue: 1)
    with pytest.raises(WrongWorkError, match=r"1 messages, not 2$"):
        order.require_jobs(orders=3, places=2, keyed=False)


def test_each_order_is_a_job_and_each_that_is_handed_out_a_message(ordered: None) -> None:
    order.require_jobs(orders=3, places=2, keyed=False)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"orders": 4, "places": 2, "keyed": False}, "3 jobs, not 4$"),
        ({"orders": 3, "places": 2, "keyed": True}, "0 jobs with a key, not 3$"),
        ({"orders": 3, "places": 3, "keyed": False}, "2 jobs handed out, not 3$"),
        ({"orders": 3, "places": None, "keyed": False}, "2 jobs handed out, not 3$"),
    ],
)
def test_a_job_a_key_or_a_message_too_few_is_wrong_work(ordered: None, counts: dict[str, Any], told: str) -> None:
    with pytest.raises(WrongWorkError, match=f"the orders made {told}"):
        order.require_jobs(**counts)


def test_a_row_of_the_peer_too_few_is_wrong_work(ordered: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_minimal_report AS SELECT generate_series(1, 2)")
    try:
        order.require_rows(orders=2)
        with pytest.raises(WrongWorkError, match=r"the orders made 2 rows, not 3, 2 messages, not 3$"):
            order.require_rows(orders=3)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bench_minimal_report")


def test_a_run_is_made_of_batches() -> None:
    assert web.batches(450, of=200) == [200, 200, 50]
    assert web.batches(3, of=3) == [3]
    made = Load.joined([Load(1.0, [1.0], 0.5), Load(3.0, [2.0, 3.0], 0.1)])
    assert (made.seconds, made.latencies, made.own_share) == (4.0, [1.0, 2.0, 3.0], 0.2)


def test_a_figure_is_the_median_of_the_runs_percentiles() -> None:
    runs = [Load(2.0, [1.0, 3.0], 0.1), Load(1.0, [5.0, 5.0], 0.1), Load(4.0, [10.0, 10.0], 0.1)]
    made = web.measured("ours", runs)
    assert (made.name, made.values, made.unit) == ("ours, p50 5.0 ms, p99 5.0 ms", [1.0, 2.0, 0.5], "requests/s")
