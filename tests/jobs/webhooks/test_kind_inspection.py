"""What staff see of deliveries, and do to them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from pytest_django import Settings

from jobs.dispatch.submission import submit_job
from jobs.inspection import InvalidPayloadError
from jobs.interventions.requeue_checks import RequeueChecks
from jobs.kinds import get_kind
from jobs.maintenance.activity import count_attempts
from jobs.models import Attempt, AttemptTotal, Job, SearchTerms
from jobs.monitoring.metrics import known_types
from jobs.outbound.urls import bucket_of
from jobs.payloads.masked import masked_payload
from jobs.states import Level, State
from jobs.webhooks.endpoints import disable_endpoint
from tests.support.receivers import Receiver

pytestmark = pytest.mark.django_db

URL = "https://example.com/hook?key=s3cret"


def test_the_url_is_masked_and_not_found_by_search_and_its_host_is(delivery: Callable[..., Job], owner: User) -> None:
    payload = delivery(URL).payload
    assert masked_payload(delivery(URL)) == {**payload, "url": "***"}
    job = submit_job(kind="callback", owner=owner, payload=payload)
    assert job.type == bucket_of(URL)
    terms = SearchTerms.objects.get().terms
    assert {"message=msg_1", "host=example.com", "example.com"} <= set(terms)
    assert not [term for term in terms if "s3cret" in term]


def test_requeueing_one_to_a_disabled_endpoint_is_refused(delivery: Callable[..., Job], owner: User) -> None:
    job = delivery(URL, state=State.DEAD)
    assert RequeueChecks().check(job).level < Level.REFUSED
    disable_endpoint(owner.pk, URL, reason="r")
    verdict = RequeueChecks().check(job)
    assert verdict.level == Level.REFUSED
    assert verdict.reasons == "Its endpoint answered 410 Gone; its owner must enable it first."


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": "http://10.0.0.1/"}, "/url"),
        ({"url": 7}, ""),
        ({"body": {}}, "/body"),
        ({"body": []}, "/body"),
        ({"surprise": 1}, ""),
    ],
)
def test_a_payload_that_no_announcement_writes_is_refused(
    change: dict[str, Any], pointer: str, delivery: Callable[..., Job]
) -> None:
    job = delivery(URL, state=State.DEAD)
    inspector = get_kind("callback").inspector
    assert inspector.validate(job.payload, job.owner) == job.payload
    with pytest.raises(InvalidPayloadError) as error:
        inspector.validate({**job.payload, **change}, job.owner)
    assert [found["pointer"] for found in error.value.errors] == [pointer]
    job.payload |= change
    assert RequeueChecks().check(job).level == Level.REFUSED


def test_an_edited_url_takes_its_host_and_its_type_along(delivery: Callable[..., Job], settings: Settings) -> None:
    settings.CALLBACK_ALLOWED_PORTS = [443, 8443]
    job = delivery(URL)
    inspector = get_kind("callback").inspector
    edited = inspector.validate({**job.payload, "url": "https://EXAMPLE.net:8443/x"}, job.owner)
    assert (edited["url"], edited["host"]) == ("https://example.net:8443/x", "example.net")
    assert inspector.type_of(edited) == bucket_of("https://example.net:8443/x")


@pytest.mark.parametrize("payload", [{}, {"url": ""}, {"url": 7}, {"url": "https://[::1"}, {"url": "https://x:y/"}])
def test_a_payload_without_a_url_has_no_type(payload: dict[str, Any]) -> None:
    assert get_kind("callback").inspector.type_of(payload) == ""


@pytest.mark.django_db(transaction=True)
def test_buckets_of_hosts_are_counted_together(receiver: Receiver, deliver: Callable[..., Job]) -> None:
    """They would be nine of ten time series, and nobody asks how one does."""
    for host in ("127.0.0.1", "localhost"):
        deliver(receiver.url("/ok", host=host))
    Attempt.objects.update(finished_at=F("finished_at") - timedelta(seconds=6))
    assert count_attempts("")[0] == 2
    [total] = AttemptTotal.objects.all()
    assert (total.kind, total.type, total.attempts) == ("callback", "", 2)
    assert [known for known in known_types() if known[1] == "callback"] == [("callbacks", "callback", "")]


def test_a_delivery_that_is_nobodys_any_more_is_not_requeued(delivery: Callable[..., Job]) -> None:
    verdict = RequeueChecks().check(delivery(URL, state=State.DEAD, owner=None))
    assert verdict.level == Level.REFUSED
    assert "Its owner was deleted, so no secret can sign it." in verdict.reasons
