"""What staff see of receivers that fail."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobs.models import CallbackEndpoint, CallbackHost
from jobs.outbound.circuit import record_failure
from jobs.webhooks.endpoints import disable_endpoint
from jobs.webhooks.replaying import deliver_test

pytestmark = pytest.mark.django_db

URL = "https://example.com/hook?key=s3cret"


def page_of(client: Client, path: str, **query: Any) -> str:
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


def test_failing_hosts_are_listed_by_whom_they_fail_with_why(staff: Client, owner: User) -> None:
    record_failure(owner.pk, "example.com:443", is_probe=False, error="It answered 503 Service Unavailable.")
    path = reverse("admin:jobs_callbackhost_changelist")
    assert "It answered 503 Service Unavailable." in page_of(staff, path)
    for asked in ("example.com", "example.com:443", "ada"):
        assert "It answered 503" in page_of(staff, path, q=asked)
    assert "It answered 503" not in page_of(staff, path, q="example.net")
    host = CallbackHost.objects.get()
    assert "It answered 503" in page_of(staff, reverse("admin:jobs_callbackhost_change", args=[host.pk]))
    assert host.failures == 1


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


def test_a_delivery_is_found_by_its_host_and_shows_it_and_masks_its_url(staff: Client, owner: User) -> None:
    job = deliver_test(owner, url=URL)
    path = reverse("admin:jobs_job_changelist")
    for asked, found in (("host=example.com", True), ("example.com", True), ("example.net", False)):
        assert (str(job.pk) in page_of(staff, path, q=asked)) is found
    page = page_of(staff, reverse("admin:jobs_job_change", args=[job.pk]))
    assert "example.com" in page
    assert job.payload["message"] in page
    assert "s3cret" not in page
