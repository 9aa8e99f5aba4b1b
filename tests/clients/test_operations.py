"""azure-core's stock poller for long-running operations."""

from typing import Any

import pytest
from azure.core import PipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import HeadersPolicy, RequestIdPolicy, RetryPolicy
from azure.core.polling import LROPoller
from azure.core.polling.base_polling import LROBasePolling
from azure.core.rest import HttpRequest
from django.contrib.auth.models import User

from examples.sales.seeding import seed_sales
from jobs.dispatch.release import release_jobs
from jobs.models import Job, Queue
from jobs.states import State
from tests.support.stack import Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

ORDER = {"reportType": "customers", "parameters": {}}


@pytest.fixture
def azure(stack: Stack, live_url: str, owner: User) -> PipelineClient[Any, Any]:
    policies = [RequestIdPolicy(), HeadersPolicy({"Authorization": f"Bearer {bearer_of(owner)}"}), RetryPolicy()]
    return PipelineClient(live_url, policies=policies)


def begin(client: PipelineClient[Any, Any], order: dict[str, Any]) -> LROPoller[Any]:
    request = HttpRequest("POST", f"{client._base_url}/api/reports", json=order)
    ordered = client._pipeline.run(request)
    assert ordered.http_response.status_code == 202
    polling: Any = LROBasePolling(timeout=30)
    return LROPoller(client, ordered, lambda answer: answer.http_response, polling)


def begin_again(client: PipelineClient[Any, Any], token: str) -> LROPoller[Any]:
    """A poller in another process goes on where this one is; it asks at once, whatever `Retry-After` was."""
    polling: Any = LROBasePolling(timeout=30)
    return LROPoller.from_continuation_token(
        polling, token, client=client, deserialization_callback=lambda answer: answer.http_response
    )


def test_it_reads_an_order_to_its_end_and_gets_the_csv(azure: PipelineClient[Any, Any]) -> None:
    list(seed_sales(lines=500, using="default"))
    poller = begin(azure, ORDER)
    final = poller.result(timeout=60)
    assert poller.status() == "Succeeded"
    assert final.headers["Content-Type"].startswith("text/csv")
    lines = final.body().decode().splitlines()
    assert lines[0].startswith("code,name,kana,email")
    assert len(lines) > 10


def test_it_hears_of_a_failure(azure: PipelineClient[Any, Any]) -> None:
    list(seed_sales(lines=3000, using="default"))
    poller = begin(azure, {**ORDER, "csv": {"encoding": "latin-1"}})
    with pytest.raises(HttpResponseError) as failure:
        poller.result(timeout=60)
    assert poller.status() == "Failed"
    assert "unencodable-character" in str(failure.value)
    assert Job.objects.get().state == State.DEAD


def test_a_second_poller_restores_the_state_of_the_first_and_both_end(stack: Stack, live_url: str, owner: User) -> None:
    """No RetryPolicy: a poller that is answered 429 gives up."""
    list(seed_sales(lines=500, using="default"))
    headers = HeadersPolicy({"Authorization": f"Bearer {bearer_of(owner)}"})
    client: PipelineClient[Any, Any] = PipelineClient(live_url, policies=[RequestIdPolicy(), headers])
    Queue.objects.update(paused=True)
    first = begin(client, ORDER)
    wait_until(lambda: first.status() == "NotStarted", message="it has polled")
    second = begin_again(client, first.continuation_token())
    Queue.objects.update(paused=False)
    release_jobs("reports")
    for poller in (first, second):
        assert poller.result(timeout=60).headers["Content-Type"].startswith("text/csv")
        assert poller.status() == "Succeeded"
