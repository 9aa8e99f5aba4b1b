"""Secret parameters reach the worker and nobody else, however they were ordered."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from rest_framework import serializers

from jobs.interventions.requeue_checks import RequeueChecks
from jobs.interventions.retrying import NotRetryableError
from jobs.models import Job, Queue
from jobs.states import State
from jobs.worker.execution import execute_job
from reports.api.resource import REPORTS
from tests.support.apps.faults import report_types as faults
from tests.support.stack import Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD, NOTE, PIN, CODE = "hunter2-xyzzy", "swordfish-plugh", 47110815, "sesame-plover"
SECRETS = (PASSWORD, NOTE, str(PIN), CODE)
PARAMETERS = {
    "city": "Tokyo",
    "password": PASSWORD,
    "note": NOTE,
    "pin": PIN,
    "account": {"name": "ada", "code": CODE},
}
SHOWN = {
    "city": "Tokyo",
    "password": "***",
    "note": "***",
    "pin": "***",
    "account": {"name": "ada", "code": "***"},
}
FORM = {
    "parameters.city": "Tokyo",
    "parameters.password": PASSWORD,
    "parameters.note": NOTE,
    "parameters.pin": str(PIN),
    "parameters.account.name": "ada",
    "parameters.account.code": CODE,
    "csv.encoding": "utf-8",
    "csv.delimiter": ",",
    "csv.compression": "none",
    "csv.errors": "strict",
}


@pytest.fixture
def owner(db: None) -> User:
    """The one who may order what `tests.support.apps.faults` has."""
    return User.objects.create_user("faults")


@pytest.fixture
def vault(report_types: dict[str, Any]) -> str:
    """In this process, too."""
    report_types["vault"] = faults.Vault()
    return "vault"


@pytest.fixture
def member(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def api(owner: User) -> Callable[..., Any]:
    client, authorization = Client(), f"Bearer {bearer_of(owner)}"

    def send(path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
        headers["Authorization"] = authorization
        if body is None:
            return client.get(path, headers=headers)
        return client.post(path, body, content_type="application/json", headers=headers)

    return send


def digest(*values: Any) -> str:
    return ",".join(
        "" if value is None else hashlib.md5(str(value).encode(), usedforsecurity=False).hexdigest() for value in values
    )


def everything_stored() -> str:
    """All rows of all tables, as PostgreSQL writes them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_stat_user_tables")
        names = [name for (name,) in cursor.fetchall()]
        texts = []
        for name in names:
            cursor.execute(f"SELECT string_agg(row::text, ' ') FROM {name} AS row")  # noqa: S608
            texts.append(cursor.fetchone()[0] or "")
    return " ".join(texts)


def assert_no_secret(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text] == []


def the_end() -> Job:
    ended = Job.objects.filter(state__in=(State.SUCCEEDED, State.DEAD))
    wait_until(ended.exists, timeout=60, message="the report ends")
    return ended.get()


def content_of(member: Client, job: Job) -> str:
    return b"".join(member.get(f"/api/reports/{job.pk}/download").streaming_content).decode().split("\n")[1]  # type: ignore[attr-defined]


def test_secrets_that_are_ordered_by_the_api_reach_the_worker_and_nobody_else(
    stack: Stack, live_url: str, owner: User, vault: str
) -> None:
    headers = {"Authorization": f"Bearer {bearer_of(owner)}"}
    body = {"reportType": vault, "parameters": PARAMETERS}
    ordered = requests.post(f"{live_url}/api/reports", json=body, headers=headers, timeout=30)
    assert ordered.status_code == 202
    job = the_end()
    assert job.state == State.SUCCEEDED, job.result
    download = requests.get(f"{live_url}/api/reports/{job.pk}/download", headers=headers, timeout=30)
    assert download.text.splitlines()[1] == digest(PASSWORD, NOTE, PIN, CODE)
    for path in (f"/api/reports/{job.pk}", "/api/reports", f"/api/reports/{job.pk}/status"):
        assert_no_secret(requests.get(f"{live_url}{path}", headers=headers, timeout=30).text)
    assert requests.get(f"{live_url}/api/reports/{job.pk}", headers=headers, timeout=30).json()["parameters"] == SHOWN
    preview = requests.post(f"{live_url}/api/reports/preview", json=body, headers=headers, timeout=30).json()
    assert preview["rows"] == [digest(PASSWORD, NOTE, PIN, CODE).split(",")]
    assert preview["parameters"] == SHOWN
    assert_no_secret(everything_stored())
    assert_no_secret("".join(stack.log(name) for name in ("web", "worker-csv")))
    assert_no_secret(str(download.headers))


@pytest.mark.parametrize("left_out", [(), ("parameters.note", "parameters.pin")])
def test_secrets_that_are_ordered_by_the_page_reach_the_worker_and_nobody_else(
    left_out: tuple[str, ...], stack: Stack, member: Client, vault: str
) -> None:
    assert b'type="password"' in member.get(f"/reports/new?type={vault}").content
    form = {name: "" if name in left_out else value for name, value in FORM.items()}
    ordered = member.post(f"/reports/new?type={vault}", form)
    assert ordered.status_code == 303, ordered.content.decode()
    job = the_end()
    assert job.state == State.SUCCEEDED, job.result
    expected = (PASSWORD, None, None, CODE) if left_out else (PASSWORD, NOTE, PIN, CODE)
    assert content_of(member, job) == digest(*expected)
    for path in (ordered["Location"], "/", "/reports", "/search?q=report", f"/reports/new?like={job.pk}"):
        assert_no_secret(member.get(path, follow=True).content.decode())
    assert_no_secret(everything_stored())


def order(api: Callable[..., Any], parameters: dict[str, Any] | None = None, **more: Any) -> Job:
    answer = api("/api/reports", {"reportType": "vault", "parameters": parameters or PARAMETERS, **more})
    assert answer.status_code == 202, answer.json()
    return Job.objects.get(pk=answer.json()["id"])


def run(job: Job) -> Job:
    execute_job(job.pk, worker="test")
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def no_worker() -> None:
    """A queue that hands nothing out: the test runs its jobs itself."""
    Queue.objects.filter(name="reports").update(max_running=0)


def hand_out(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(released_at=Now())
    return run(job)


def test_a_secret_that_looks_like_a_sealed_one_is_a_mistake_of_its_own(
    api: Callable[..., Any], vault: str, no_worker: None
) -> None:
    answer = api("/api/reports", {"reportType": vault, "parameters": {**PARAMETERS, "password": {"$encrypted": "x"}}})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/parameters/password")


def test_equal_orders_are_found_equal_and_others_are_not(api: Callable[..., Any], vault: str, no_worker: None) -> None:
    first = order(api)
    assert order(api, reuse=True) == first
    assert order(api, {**PARAMETERS, "password": "another"}, reuse=True) != first


def test_an_idempotency_key_stands_for_its_order_also_after_a_new_secret_key(
    api: Callable[..., Any], vault: str, no_worker: None, settings: Any
) -> None:
    body = {"reportType": vault, "parameters": PARAMETERS}
    first = api("/api/reports", body, **{"Idempotency-Key": "k"}).json()["id"]
    plain = json.dumps(["report", body], sort_keys=True, separators=(",", ":"))
    assert Job.objects.get().request_fingerprint != hashlib.sha256(plain.encode()).hexdigest()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key", [settings.SECRET_KEY]
    assert api("/api/reports", body, **{"Idempotency-Key": "k"}).json()["id"] == first
    other = {**body, "parameters": {**PARAMETERS, "password": "another"}}
    assert api("/api/reports", other, **{"Idempotency-Key": "k"}).status_code == 422


def test_a_secret_whose_key_is_lost_fails_the_report_in_plain_words(
    api: Callable[..., Any], vault: str, no_worker: None, settings: Any
) -> None:
    job = order(api)
    settings.SECRET_KEY = "another-key"
    ended = hand_out(job)
    error = (ended.result or {})["error"]
    assert (ended.state, error["code"], error["retryable"]) == (State.DEAD, "secret-unreadable", False)
    assert error["detail"].startswith("A secret of this job cannot be decrypted")
    assert "can no longer be decrypted" in RequeueChecks().check(ended).reasons
    with pytest.raises(NotRetryableError, match="can no longer be decrypted"):
        REPORTS.retry(ended, owner=ended.owner)  # type: ignore[arg-type]


def test_what_is_wrong_with_a_secret_is_told(api: Callable[..., Any], vault: str, no_worker: None) -> None:
    job = order(api)
    del job.payload["parameters"]["password"]
    job.save()
    detail = (hand_out(job).result or {})["error"]["detail"]
    assert detail == "The parameters are no longer valid. This field is required (password)."


def test_an_edit_that_leaves_the_masks_keeps_the_secrets(api: Callable[..., Any], vault: str, no_worker: None) -> None:
    job = order(api)
    Job.objects.update(state=State.DEAD, finished_at=Now())
    staff = Client()
    staff.force_login(User.objects.create_superuser("root"))
    path = f"/admin/jobs/job/{job.pk}/edit/"
    assert_no_secret(staff.get(path).content.decode())
    edited = {
        "reportType": vault,
        "parameters": {**SHOWN, "city": "Kyoto", "note": "new-note"},
        "csv": job.payload["csv"],
    }
    sent = {"payload": json.dumps(edited), "reason": "typed wrong", "seen": str(job.fencing_token)}
    shown = staff.post(f"{path}?json", sent).content.decode()
    assert "Kyoto" in shown
    assert_no_secret(shown)
    assert staff.post(f"{path}?json", {**sent, "post": "yes"}).status_code == 302
    ended = hand_out(job)
    assert ended.state == State.SUCCEEDED, ended.result
    client = Client()
    client.force_login(job.owner)  # type: ignore[arg-type]
    assert content_of(client, ended) == digest(PASSWORD, "new-note", PIN, CODE)
    assert_no_secret(everything_stored())
    assert "new-note" not in everything_stored()
    assert_no_secret(staff.get(f"/admin/jobs/job/{job.pk}/change/").content.decode())
    revealed = staff.post(f"/admin/jobs/job/{job.pk}/reveal/").content.decode()
    assert all(secret in revealed for secret in (PASSWORD, "new-note", CODE))


class OpenNote(faults.Vault.Parameters):
    note = serializers.CharField(required=False)


def test_a_mask_is_never_stored_as_the_value_of_what_is_no_secret_any_more(
    api: Callable[..., Any], vault: str, no_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = order(api)
    Job.objects.update(state=State.DEAD, finished_at=Now())
    monkeypatch.setattr(faults.Vault, "Parameters", OpenNote)
    staff = Client()
    staff.force_login(User.objects.create_superuser("root"))
    edited = {"reportType": vault, "parameters": {**SHOWN, "city": "Kyoto"}, "csv": job.payload["csv"]}
    sent = {"payload": json.dumps(edited), "reason": "r", "seen": str(job.fencing_token), "post": "yes"}
    page = staff.post(f"/admin/jobs/job/{job.pk}/edit/?json", sent).content.decode()
    assert "/parameters/note: Enter this secret again." in page
    assert_no_secret(page)


def test_a_failed_report_is_tried_again_with_its_secrets(
    api: Callable[..., Any], vault: str, no_worker: None, member: Client
) -> None:
    job = order(api)
    Job.objects.update(state=State.DEAD, finished_at=Now())
    assert api(f"/api/reports/{job.pk}/retry", {}).status_code == 202
    assert content_of(member, hand_out(job)) == digest(PASSWORD, NOTE, PIN, CODE)


def test_the_page_never_sends_a_secret_back(member: Client, vault: str, no_worker: None) -> None:
    refused = member.post(f"/reports/new?type={vault}", {**FORM, "parameters.city": ""})
    assert refused.status_code == 422
    assert_no_secret(refused.content.decode())
    assert_no_secret(member.post(f"/reports/new?type={vault}", {**FORM, "preview": "yes"}).content.decode())
