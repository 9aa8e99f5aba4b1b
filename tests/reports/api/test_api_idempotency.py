"""An order that is sent again under its key is the same order."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework import serializers
from rest_framework.test import APIClient

from jobs.dispatch.idempotency import Idempotency, job_of_first_request
from jobs.dispatch.submission import submit_job
from jobs.interventions.retrying import retry_dead_job
from jobs.maintenance.encrypting import encrypt_secrets_of
from jobs.maintenance.history import prune_jobs
from jobs.models import Job, Queue, ReusedKey
from jobs.postgres.advisory_locks import LockClass, lock_key
from tests.support.ordering import ORDER, assert_problem, post
from tests.support.threads import Threads
from tests.support.tokens import bearer_of

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


def plain_fingerprint(body: Any) -> str:
    """As an earlier version made it, without a key."""
    return hashlib.sha256(json.dumps(["report", body], sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@pytest.mark.parametrize("model", [Job, ReusedKey])
def test_an_order_of_an_earlier_version_is_known_again(model: type[Job | ReusedKey], api: APIClient) -> None:
    if model is ReusedKey:
        post(api, ORDER)
    order(api, "k", REUSING)
    name = "fingerprint" if model is ReusedKey else "request_fingerprint"
    assert model.objects.update(**{name: plain_fingerprint(REUSING)}) == 1
    assert order(api, "k", REUSING)["Idempotency-Replayed"] == "true"
    assert_problem(order(api, "k", ORDER), 422, "idempotency-key-reused")


def test_an_order_is_known_again_after_a_change_of_the_key_of_all_secrets(
    api: APIClient, report_of: Callable[..., str], settings: Settings
) -> None:
    class Parameters(serializers.Serializer[Any]):
        password = serializers.CharField(write_only=True)

    body = {"reportType": report_of("SELECT 1", Parameters=Parameters), "parameters": {"password": "hunter2"}}
    order(api, "k", body)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key", [settings.SECRET_KEY]
    for encrypted in (False, True):
        assert not encrypted or encrypt_secrets_of(Job.objects.get())
        assert order(api, "k", body)["Idempotency-Replayed"] == "true"
        other = {**body, "parameters": {"password": "hunter3"}}
        assert_problem(order(api, "k", other), 422, "idempotency-key-reused")


def test_an_order_whose_fingerprint_was_forgotten_is_taken_for_the_same(api: APIClient) -> None:
    order(api, "k")
    Job.objects.update(request_fingerprint="")
    assert order(api, "k")["Idempotency-Replayed"] == "true"


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


REUSING = {**ORDER, "reuse": True}


def test_a_key_of_a_reused_report_stands_for_it_whatever_becomes_of_it(api: APIClient) -> None:
    first = post(api, ORDER).json()["id"]
    assert order(api, "k", REUSING)["Report-Reused"] == "true"
    assert_problem(order(api, "k", {**REUSING, "parameters": {"year": "2022"}}), 422, "idempotency-key-reused")
    assert_problem(order(api, "k", ORDER), 422, "idempotency-key-reused")
    Job.objects.update(state="cancelled", finished_at=Now())
    again = order(api, "k", REUSING)
    assert (again.status_code, again["Idempotency-Replayed"], again.json()["id"]) == (202, "true", first)
    assert again.json()["status"] == "Canceled"
    assert Job.objects.count() == 1


def test_a_report_has_any_number_of_keys_each_of_its_owner(api: APIClient) -> None:
    first = order(api, "a").json()["id"]
    for key in ("b", "c"):
        assert order(api, key, REUSING).json()["id"] == first
    assert order(api, "a", {**ORDER, "csv": {"encoding": "cp932"}}).status_code == 422
    other = APIClient()
    other.force_authenticate(User.objects.create_user("stranger"))
    assert order(other, "b", REUSING).json()["id"] != first
    assert ReusedKey.objects.count() == 2


def test_a_key_of_a_reused_report_holds_for_a_day_and_is_pruned_then(api: APIClient) -> None:
    first = post(api, ORDER).json()["id"]
    for key in ("k", "other"):
        order(api, key, REUSING)
    ReusedKey.objects.update(created_at=Now() - timedelta(hours=23, minutes=59))
    assert prune_jobs() == 0
    assert order(api, "k", REUSING)["Idempotency-Replayed"] == "true"
    ReusedKey.objects.update(created_at=Now() - timedelta(hours=24))
    again = order(api, "k", REUSING)
    assert (again["Report-Reused"], "Idempotency-Replayed" in again) == ("true", False)
    anew = order(api, "other", {**ORDER, "parameters": {"year": "2022"}})
    assert anew.json()["id"] != first
    assert prune_jobs() == 1
    assert list(ReusedKey.objects.values_list("key", flat=True)) == ["k"]
    assert order(api, "other", {**ORDER, "parameters": {"year": "2022"}})["Idempotency-Replayed"] == "true"


def test_what_was_deleted_frees_the_keys_that_reused_it(api: APIClient) -> None:
    first = post(api, ORDER).json()["id"]
    order(api, "k", REUSING)
    Job.objects.update(state="cancelled", finished_at=Now())
    assert api.delete(f"/api/reports/{first}").status_code == 204
    assert not ReusedKey.objects.exists()
    assert "Idempotency-Replayed" not in order(api, "k")


def test_a_key_costs_an_order_one_trip(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.dispatch.remembered_queue.REMEMBERED_SECONDS", 3600.0)
    for _ in range(3):  # the queue is read when orders come fast
        post(api, ORDER)
    with CaptureQueriesContext(connection) as without_key:
        post(api, ORDER)
    with CaptureQueriesContext(connection) as with_key:
        order(api, "k")
    more = len(with_key) - len(without_key)
    assert more == 4, "its transaction begins and ends; the lock and the look, which are sent together"


@pytest.mark.parametrize("key", ["", '""', " ", "x" * 256, "na\xefve", 'a"b', "\\", "\t"])
def test_a_key_that_is_none_is_400(key: str, api: APIClient) -> None:
    assert_problem(order(api, key), 400, "invalid-idempotency-key")
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_key_whose_first_request_is_still_being_handled_is_409(api: APIClient, owner: User) -> None:
    with Threads(1) as elsewhere:
        with connection.cursor() as cursor:
            name = lock_key(LockClass.IDEMPOTENCY_KEY, f"{owner.pk} k")
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
            answer = elsewhere.submit(order, api, "k").result()
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
        assert_problem(answer, 409, "idempotency-key-in-use")
        assert answer["Retry-After"] == "1"
        assert elsewhere.submit(order, api, "k").result().status_code == 202


def old_and_dead(api: APIClient) -> Job:
    """A job whose key is over."""
    order(api, "k")
    Job.objects.update(created_at=Now() - timedelta(hours=25), state="dead", finished_at=Now())
    return Job.objects.get()


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_over_is_409_while_its_job_is_being_changed(api: APIClient) -> None:
    job = old_and_dead(api)
    with Threads(1) as elsewhere:
        with transaction.atomic():
            Job.objects.select_for_update().get(pk=job.pk)
            answer = elsewhere.submit(order, api, "k").result()
        assert_problem(answer, 409, "idempotency-key-in-use")
        assert answer["Retry-After"] == "1"
        answer = elsewhere.submit(order, api, "k").result()
    assert (answer.status_code, "Idempotency-Replayed" in answer) == (202, False)


@pytest.mark.django_db(transaction=True)
def test_an_order_whose_key_is_over_does_not_lock_its_job_against_a_retry(api: APIClient, owner: User) -> None:
    Queue.objects.filter(name="reports").update(paused=True, max_queued=100)  # both lock the queue's row
    job = old_and_dead(api)
    sent = Idempotency("k", "y")
    with Threads(1) as elsewhere, job_of_first_request(owner=owner, idempotency=sent) as first:
        assert first is None
        retried = elsewhere.submit(retry_dead_job, job, owner=owner)
        with suppress(TimeoutError):
            retried.result(timeout=1)
        anew = submit_job(kind="report", owner=owner, payload=job.payload, idempotency=sent)
        retried.result()
    assert set(Job.objects.filter(state="queued")) == {job, anew}
    assert Job.objects.get(idempotency_key="k") == anew


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
