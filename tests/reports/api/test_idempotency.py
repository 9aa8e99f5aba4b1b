"""An order that is sent again under its key is the same order."""

from datetime import timedelta
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from rest_framework.test import APIClient

from jobs.models import Job, Queue
from tests.reports.api.asking import ORDER, assert_problem, post
from tests.threads import Threads
from tests.tokens import bearer_of

pytestmark = pytest.mark.django_db


def order(api: APIClient, key: str, body: Any = ORDER) -> Any:
    return post(api, body, headers={"Idempotency-Key": key})


def test_the_same_order_again_is_the_first_answer_and_no_second_job(api: APIClient) -> None:
    first = order(api, '"a b"')
    assert first.status_code == 202
    assert "Idempotency-Replayed" not in first
    reordered = {"parameters": {"year": "2023"}, "reportType": "yearly-sales"}
    for key, body in (('"a b"', ORDER), ("a b", reordered)):
        again = order(api, key, body)
        assert (again.status_code, again["Idempotency-Replayed"]) == (202, "true")
        assert again["Location"] == first["Location"]
        assert again.json()["id"] == first.json()["id"]
    job = Job.objects.get()
    assert (job.idempotency_key, len(job.request_fingerprint)) == ("a b", 64)


def test_another_order_under_the_key_is_422(api: APIClient) -> None:
    order(api, "k")
    assert_problem(order(api, "k", {**ORDER, "csv": {"encoding": "cp932"}}), 422, "idempotency-key-reused")
    assert_problem(order(api, "k", {}), 422, "idempotency-key-reused")
    assert Job.objects.count() == 1


def test_a_key_is_its_owners(api: APIClient) -> None:
    other = APIClient()
    other.force_authenticate(User.objects.create_user("stranger"))
    assert order(api, "k").json()["id"] != order(other, "k", {**ORDER, "csv": {"encoding": "cp932"}}).json()["id"]


def test_without_a_key_each_order_is_a_new_one(api: APIClient) -> None:
    assert post(api, ORDER).json()["id"] != post(api, ORDER).json()["id"]


def test_a_refused_order_leaves_its_key_free(api: APIClient) -> None:
    assert_problem(order(api, "k", {"reportType": "yearly-sales"}), 400, "invalid-request")
    Queue.objects.filter(name="reports").update(accepting=False)
    assert_problem(order(api, "k"), 503, "queue-full")
    Queue.objects.filter(name="reports").update(accepting=True)
    assert "Idempotency-Replayed" not in order(api, "k")


def test_a_replay_is_answered_though_the_queue_is_full_by_now(api: APIClient) -> None:
    first = order(api, "k")
    Queue.objects.filter(name="reports").update(max_queued=0)
    assert order(api, "k").json()["id"] == first.json()["id"]


def test_a_key_holds_for_a_day(api: APIClient) -> None:
    first = order(api, "k").json()["id"]
    Job.objects.update(created_at=Now() - timedelta(hours=23, minutes=59))
    assert order(api, "k").json()["id"] == first
    Job.objects.update(created_at=Now() - timedelta(hours=24))
    assert order(api, "k", {**ORDER, "csv": {"encoding": "cp932"}}).status_code == 202
    assert list(Job.objects.order_by("pk").values_list("idempotency_key", flat=True)) == [None, "k"]


@pytest.mark.parametrize("key", ["", '""', " ", "x" * 256, "na\xefve", 'a"b', "\\", "\t"])
def test_a_key_that_is_none_is_400(key: str, api: APIClient) -> None:
    assert_problem(order(api, key), 400, "invalid-idempotency-key")
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_key_whose_first_request_is_still_being_handled_is_409(api: APIClient, owner: User) -> None:
    with Threads(1) as elsewhere:
        with connection.cursor() as cursor:
            name = f"idempotency {owner.pk} k"
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
            answer = elsewhere.submit(order, api, "k").result()
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
        assert_problem(answer, 409, "idempotency-key-in-use")
        assert answer["Retry-After"] == "1"
        assert elsewhere.submit(order, api, "k").result().status_code == 202


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_are_one_job(owner: User, live_url: str) -> None:
    Queue.objects.filter(name="reports").update(paused=True, max_queued=5, max_queued_per_owner=5)
    headers = {"Authorization": f"Bearer {bearer_of(owner)}", "Idempotency-Key": '"fifty"'}

    def send(_: int) -> requests.Response:
        return requests.post(f"{live_url}/api/reports", json=ORDER, headers=headers, timeout=20)

    with Threads(50) as clients:
        answers = list(clients.map(send, range(50)))
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert {answer.json()["id"] for answer in accepted} == {str(Job.objects.get().pk)}
    assert sum("Idempotency-Replayed" not in answer.headers for answer in accepted) == 1
