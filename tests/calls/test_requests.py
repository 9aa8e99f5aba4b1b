"""Requests of calls against a real remote API: what is sent, what is stored, and how each failure ends."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from calls.building import usual_key
from calls.call import Call
from calls.hosts import closing
from calls.models import Step
from calls.models.host import Host as HostRow
from calls.requests import PAUSE_SECONDS
from calls.steps import key_of
from calls.types import Host
from jobs.errors import RetryableError
from jobs.models import Attempt, Job
from jobs.states import State
from tests.support.remotes import Remote, running_remote

pytestmark = pytest.mark.django_db(transaction=True)

Made = Callable[..., str]
Order = Callable[[str], Job]
Run = Callable[[Job], Job]


@pytest.fixture
def remote(db: None) -> Iterator[Remote]:
    """A remote API that answers at once; a new host, which is open."""
    with running_remote() as remote:
        yield remote


@pytest.fixture
def run_call(call_of: Made, order_call: Order, run_attempt: Run, remote: Remote) -> Callable[..., Job]:
    """Order a call that trusts the remote, and run one attempt."""

    def run(function: Callable[[Call], Any], **attributes: Any) -> Job:
        return run_attempt(order_call(call_of(function, **{"hosts": {remote.host: Host()}, **attributes})))

    return run


def failure(job: Job) -> tuple[str, str, str]:
    """State, code and detail of a call that failed."""
    error = (job.result or {})["error"]
    return str(job.state), error["code"], error["detail"]


def test_a_get_is_a_step_whose_answer_later_attempts_get(
    run_call: Callable[..., Job], run_attempt: Run, remote: Remote
) -> None:
    failed: list[int] = []
    seen: list[tuple[int, str, Any]] = []

    def run(call: Call) -> Any:
        answer = call.get(f"{remote.url}/rates", params={"base": "EUR", "date": "2026-11-01"})
        seen.append((answer.status, answer.headers["content-type"], answer.json()["base"]))
        failed.append(1)
        if len(failed) == 1:
            raise RetryableError("once")

    job = run_attempt(run_call(run))
    assert job.state == State.SUCCEEDED
    assert seen == [(200, "application/json", "EUR")] * 2
    counts = remote.counts()
    name = f"GET {remote.host}/rates"
    assert (counts["requests"], counts["targets"]) == (1, {"/rates?base=EUR&date=2026-11-01": 1})
    assert counts["keys"] == {key_of(job.pk, name): 1}
    assert Step.objects.get().name == name


def test_a_post_sends_json_and_its_key_limits_it_to_one_effect(run_call: Callable[..., Job], remote: Remote) -> None:
    def run(call: Call) -> Any:
        return call.post(f"{remote.url}/orders", json={"item": "bolt", "count": 3}, name="order").json()

    job = run_call(run)
    assert job.state == State.SUCCEEDED
    assert remote.counts()["effects"] == {key_of(job.pk, "order"): 1}


def test_equal_requests_of_one_attempt_are_steps_of_their_own(run_call: Callable[..., Job], remote: Remote) -> None:
    url = f"{remote.url}/rates?base=EUR&date=2026-11-01"
    assert run_call(lambda call: [call.get(url).status, call.get(url).status]).result == {"value": [200, 200]}
    names = [f"GET {remote.host}/rates", f"GET {remote.host}/rates #2"]
    assert list(Step.objects.values_list("name", flat=True)) == names
    assert remote.counts()["requests"] == 2


def test_staff_see_request_and_answer_without_secrets(run_call: Callable[..., Job], remote: Remote) -> None:
    def run(call: Call) -> Any:
        return call.post(
            f"{remote.url}/orders", params={"api_key": "k-12345", "page": "2"}, json={"password": "hunter22", "n": 1},
            headers={"Authorization": "Bearer t-9876"}, name="order",
        ).status  # fmt: skip

    job = run_call(run)
    step = Step.objects.get()
    assert step.request == {
        "method": "POST",
        "url": f"{remote.url}/orders?api_key=***&page=2",
        "headers": {
            "User-Agent": "Longhaul-Calls/1",
            "Idempotency-Key": key_of(job.pk, "order"),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": "***",
        },
        "body": '{"password": "***", "n": 1}',
    }
    assert step.answer is not None
    assert (step.answer["status"], step.answer["headers"]["content-type"]) == (201, "application/json")
    assert step.error_message == ""


@pytest.mark.parametrize(
    ("misbehaviour", "state", "code", "detail"),
    [
        ({"do": "status", "status": 500}, "failed", "remote-failed", "answered 500 Internal Server Error."),
        ({"do": "status", "status": 503}, "failed", "remote-failed", "answered 503 Service Unavailable."),
        ({"do": "status", "status": 404}, "dead", "remote-refused", "answered 404 Not Found."),
        ({"do": "not-json"}, "failed", "remote-failed", "sent an answer that is not JSON."),
        ({"do": "not-http"}, "failed", "remote-unanswered", "sent a response that is not valid HTTP."),
        ({"do": "reset"}, "failed", "remote-unanswered", "closed the connection without a response."),
        ({"do": "close"}, "failed", "remote-unanswered", "closed the connection without a response."),
        ({"do": "hang"}, "failed", "remote-unanswered", "did not answer within 0.5 seconds."),
        (
            {"do": "drip", "seconds": 0.2}, "failed", "remote-unanswered",
            "did not send the whole body within 0.5 seconds.",
        ),
        ({"do": "truncate"}, "failed", "remote-unanswered", "did not send the whole body."),
        ({"do": "big", "bytes": 10**10}, "dead", "answer-too-large", "sent a body of more than 1000000 bytes."),
        ({"do": "redirect", "location": "https://127.0.0.2/"}, "dead", "address-not-allowed", None),
    ],
    ids=lambda value: value["do"] if isinstance(value, dict) else "",
)  # fmt: skip
def test_each_way_to_fail_ends_as_documented(
    run_call: Callable[..., Job],
    remote: Remote,
    misbehaviour: dict[str, Any],
    state: str,
    code: str,
    detail: str | None,
) -> None:
    remote.behave({"path": "/rates", **misbehaviour})
    url = f"{remote.url}/rates?base=EUR&date=2026-11-01"
    job = run_call(lambda call: call.get(url).status, timeout_seconds=0.5, max_body_bytes=10**6)
    assert failure(job)[:2] == (state, code)
    if detail:
        assert failure(job)[2] == f"127.0.0.1 {detail}"
    assert (Step.objects.get().outcome, Step.objects.get().error_code) == ("failed", code)
    assert remote.counts()["requests"] == 1


def test_a_status_may_be_accepted_and_a_body_need_not_be_json(run_call: Callable[..., Job], remote: Remote) -> None:
    remote.behave({"do": "status", "status": 404, "body": "nothing"}, {"do": "not-json"})
    url = f"{remote.url}/rates?base=EUR&date=2026-11-01"

    def run(call: Call) -> Any:
        return [call.get(url, accept=[404]).text, call.get(url, expect="any").text[:6]]

    assert run_call(run).result == {"value": ["nothing", "<html>"]}


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"), [(429, "20", 20), (503, "20", 20), (429, None, PAUSE_SECONDS)]
)
def test_a_host_that_asks_for_a_pause_is_closed_and_the_call_postponed(
    run_call: Callable[..., Job], remote: Remote, status: int, retry_after: str | None, seconds: float
) -> None:
    remote.behave({"do": "status", "status": status, "retryAfter": retry_after})
    job = run_call(lambda call: call.get(f"{remote.url}/rates?base=EUR&date=2026-11-01").status)
    assert (job.state, job.attempt_count) == (State.QUEUED, 0)
    until = timezone.now() + timedelta(seconds=seconds)
    assert job.scheduled_at is not None
    assert abs((job.scheduled_at - until).total_seconds()) < 5
    closed_until = HostRow.objects.get(host=remote.host).closed_until
    assert closed_until is not None
    assert abs((closed_until - until).total_seconds()) < 5
    assert Attempt.objects.get().outcome == "handed_back"
    assert not Step.objects.exists()
    other = run_call(lambda call: call.get(f"{remote.url}/rates?base=USD&date=2026-11-01").status)
    assert (other.state, other.attempt_count) == (State.QUEUED, 0)
    assert remote.counts()["requests"] == 1


def test_a_pause_beyond_the_deadline_fails_at_once(run_call: Callable[..., Job], remote: Remote) -> None:
    remote.behave({"do": "status", "status": 429, "retryAfter": "600"})
    url = f"{remote.url}/rates?base=EUR&date=2026-11-01"
    job = run_call(lambda call: call.get(url).status, deadline=timedelta(minutes=5))
    assert failure(job)[:2] == ("dead", "deadline-exceeded")


def test_hosts_that_the_class_does_not_name_must_be_public_and_use_https(
    run_call: Callable[..., Job], remote: Remote
) -> None:
    assert failure(run_call(lambda call: call.get(f"{remote.url}/rates").status, hosts={}))[1] == "url-invalid"
    private = "https://127.0.0.1/rates"
    assert failure(run_call(lambda call: call.get(private).status, hosts={}))[1] == "address-not-allowed"
    assert failure(run_call(lambda call: call.get("ftp://example.com/").status))[1] == "url-invalid"
    assert remote.counts()["requests"] == 0


def test_a_refusal_of_ours_does_not_close_the_host_for_others(run_call: Callable[..., Job], remote: Remote) -> None:
    url = f"{remote.url}/rates?base=EUR&date=2026-11-01"
    for _ in range(6):
        assert failure(run_call(lambda call: call.get(url, max_body_bytes=5).status))[1] == "answer-too-large"
    assert run_call(lambda call: call.get(url).status).result == {"value": 200}


def test_a_pause_of_a_week_is_bounded_for_the_host_and_the_call(run_call: Callable[..., Job], remote: Remote) -> None:
    remote.behave({"do": "status", "status": 429, "retryAfter": 600_000})
    job = run_call(lambda call: call.get(f"{remote.url}/rates").status)
    closed_until = HostRow.objects.get(host=remote.host).closed_until
    assert job.scheduled_at is not None
    assert closed_until is not None
    assert abs((job.scheduled_at - timezone.now()).total_seconds() - 3600) < 30
    assert abs((closed_until - job.scheduled_at).total_seconds()) < 30


def test_a_success_counts_though_the_host_cannot_be_closed(
    run_call: Callable[..., Job], remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def unreachable(statement: str, **parameters: Any) -> Any:
        asked.append(statement)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(closing, "fetch_all", unreachable)
    used_up = {"RateLimit": '"default";r=0;t=30'}
    remote.behave({"do": "status", "status": 200, "headers": used_up, "afterEffect": True})
    job = run_call(lambda call: call.post(f"{remote.url}/orders", json={}).status)
    assert (job.state, job.result, len(asked)) == (State.SUCCEEDED, {"value": 200}, 1)


def test_a_pause_may_be_an_answer_that_is_accepted(run_call: Callable[..., Job], remote: Remote) -> None:
    remote.behave({"do": "status", "status": 429, "retryAfter": 5})
    assert run_call(lambda call: call.get(f"{remote.url}/rates", accept=[429]).status).result == {"value": 429}
    assert HostRow.objects.get(host=remote.host).closed_until is not None


def test_headers_that_are_given_replace_the_usual_ones(run_call: Callable[..., Job], remote: Remote) -> None:
    given = {"content-type": "application/merge-patch+json", "idempotency-key": "mine", "X-Auth-Key": "s3cret"}
    run_call(lambda call: call.post(f"{remote.url}/orders?sig=abc", json={}, headers=given).status)
    step = Step.objects.get()
    assert step.request is not None
    assert step.request["headers"] == {
        "User-Agent": "Longhaul-Calls/1", "Accept": "application/json", "idempotency-key": "mine",
        "content-type": "application/merge-patch+json", "X-Auth-Key": "***",
    }  # fmt: skip
    assert step.request["url"] == f"{remote.url}/orders?sig=***"
    assert remote.counts()["keys"] == {"mine": 1}


@pytest.mark.parametrize("options", [{"headers": {"X-A": "a\r\nb: c"}}, {"json": {1, 2}}, {"params": {"a": "\ud800"}}])
def test_a_request_that_cannot_be_written_is_permanent(
    run_call: Callable[..., Job], remote: Remote, options: dict[str, Any]
) -> None:
    job = run_call(lambda call: call.get(f"{remote.url}/rates", **options).status)
    assert failure(job) == ("dead", "step-invalid", "A step of the call is not valid.")
    assert remote.counts()["requests"] == 0


def test_a_default_port_is_no_other_host() -> None:
    assert [usual_key(receiver) for receiver in ("a.example:443", "a.example:80", "a.example:8443", "[::1]:443")] == [
        "a.example", "a.example", "a.example:8443", "[::1]",
    ]  # fmt: skip
