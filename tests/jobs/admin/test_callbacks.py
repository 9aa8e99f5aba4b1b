"""What staff see of receivers that fail."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobs.models import CallbackEndpoint, CallbackHost, Job
from jobs.webhooks.circuit import note_failure
from jobs.webhooks.endpoints import disable_endpoint

pytestmark = pytest.mark.django_db

URL = "https://example.com/hook?key=s3cret"


def page_of(client: Client, path: str, **query: Any) -> str:
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


def test_failing_hosts_are_listed_with_why(staff: Client) -> None:
    note_failure("example.com", is_probe=False, error="It answered 503 Service Unavailable.")
    path = reverse("admin:jobs_callbackhost_changelist")
    assert "It answered 503 Service Unavailable." in page_of(staff, path)
    assert "It answered 503" in page_of(staff, path, q="example.com")
    assert "It answered 503" not in page_of(staff, path, q="example.net")
    assert "It answered 503" in page_of(staff, reverse("admin:jobs_callbackhost_change", args=["example.com"]))
    assert CallbackHost.objects.get().failures == 1


def test_disabled_endpoints_are_listed_by_their_hosts_and_never_with_their_urls(staff: Client, owner: User) -> None:
    disable_endpoint(owner.pk, URL, reason="The receiver answered 410 Gone.")
    path = reverse("admin:jobs_callbackendpoint_changelist")
    endpoint = CallbackEndpoint.objects.get()
    for page in (
        page_of(staff, path),
        page_of(staff, path, q="ada"),
        page_of(staff, path, q="example.com"),
        page_of(staff, reverse("admin:jobs_callbackendpoint_change", args=[endpoint.pk])),
    ):
        assert "The receiver answered 410 Gone." in page
        assert "s3cret" not in page


def test_the_page_of_a_delivery_shows_its_host_and_masks_its_url(staff: Client, make_job: Callable[..., Job]) -> None:
    body = {"type": "report.completed", "timestamp": "2026-01-02T03:04:05Z", "data": {"id": "7"}}
    payload = {"job": "7", "url": URL, "message": "msg_1", "body": body}
    job = make_job(kind="callback", queue="callbacks", type="example.com", payload=payload)
    page = page_of(staff, reverse("admin:jobs_job_change", args=[job.pk]))
    assert "example.com" in page
    assert "msg_1" in page
    assert "s3cret" not in page
