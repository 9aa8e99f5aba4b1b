"""Staff see the state of remote hosts, set their limits, close and open them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.utils import quote
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from calls.models import Host, Turn
from jobs.models import AuditEntry
from tests.support.people import client_of_role

pytestmark = pytest.mark.django_db

LIST = "/admin/calls/host/"
HOST = "api_fa.example:8443"


def page_of(host: Host) -> str:
    return reverse("admin:calls_host_change", args=[quote(host.pk)])


def act(client: Client, action: str, *hosts: Host, **fields: Any) -> str:
    chosen = {"action": action, "_selected_action": [host.pk for host in hosts], **fields}
    return client.post(LIST, {**chosen, "post": "yes", "reason": "they asked"}, follow=True).content.decode()


def soon() -> Any:
    return Now() + timedelta(minutes=5)


def test_the_page_says_what_keeps_requests_from_a_host() -> None:
    hosts = [
        Host.objects.create(host=HOST, in_flight=8, taken=1, declared=True),
        Host.objects.create(host="b", closed_until=soon(), closed_reason="429 Too Many Requests"),
        Host.objects.create(host="c", failures=5, open_until=soon(), last_error="503"),
        Host.objects.create(host="d", failures=5, open_until=soon(), probing=True),
        Host.objects.create(host="e", failures=2, closed_until=Now()),
    ]
    Turn.objects.create(host=hosts[0], job_id=UUID(int=7), fencing_token=1)
    client = client_of_role("viewer")
    pages = [client.get(page_of(host)) for host in hosts]
    assert [page.context["state"] for page in pages] == ["open", "closed", "broken", "probing", "failing"]
    assert "429 Too Many Requests" in pages[1].content.decode()
    facts = dict(pages[0].context["facts"])
    assert (facts["Requests in flight"], facts["At most in flight"], facts["At most per second"]) == (
        "1",
        8,
        "no limit",
    )
    [turns] = pages[0].context["tables"]
    assert str(UUID(int=7)) in turns.rows[0][0]
    listed = client.get(LIST).content.decode()
    assert "429 Too Many Requests" in listed
    assert [host.pk for host in client.get(LIST, {"q": "API"}).context["cl"].result_list] == [HOST]
    assert all(page.context["buttons"] == [] for page in pages)


def test_limits_are_set_with_a_reason_and_kept_in_the_trail() -> None:
    host = Host.objects.create(host=HOST, in_flight=8, per_second=0.01, next_at=soon())
    client = client_of_role("administrator")
    form = client.post(LIST, {"action": "set_limits", "_selected_action": [host.pk]}).content.decode()
    assert 'name="initial-in_flight" value="8"' in form
    shown = {"initial-in_flight": "8", "initial-per_second": "0.01"}
    text = act(client, "set_limits", host, in_flight="8", per_second="50", **shown)
    assert "1 host changed." in text
    host.refresh_from_db()
    assert (host.in_flight, host.per_second, host.next_at) == (8, 50.0, None)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.reason, entry.target_id, entry.before, entry.after) == (
        "administrator", "change", "they asked", HOST, {"per_second": 0.01}, {"per_second": 50.0}
    )  # fmt: skip
    assert "they asked" in client.get(page_of(host)).content.decode()
    act(client, "set_limits", host, in_flight="", per_second="50", **shown | {"initial-per_second": "50.0"})
    host.refresh_from_db()
    assert (host.in_flight, host.per_second) == (None, 50.0)
    refused = act(client, "set_limits", host, in_flight="0")
    assert "greater than or equal to 1" in refused
    assert AuditEntry.objects.count() == 2


def test_a_host_is_closed_and_opened() -> None:
    host = Host.objects.create(host=HOST)
    client = client_of_role("operator")
    assert [name for name, _ in client.get(page_of(host)).context["buttons"]] == ["close_hosts"]
    assert "1 host closed." in act(client, "close_hosts", host, minutes="30")
    host.refresh_from_db()
    assert host.closed_until is not None
    assert (host.closed_until - host.updated_at) == timedelta(minutes=30)
    assert host.closed_reason == "operator: they asked"
    assert [name for name, _ in client.get(page_of(host)).context["buttons"]] == ["close_hosts", "open_hosts"]
    Host.objects.update(failures=5, openings=2, open_until=soon(), probing=True, resume_at=soon())
    assert "1 host opened." in act(client, "open_hosts", host)
    host.refresh_from_db()
    values = Host.objects.values_list("closed_until", "closed_reason", "failures", "openings", "open_until", "probing")
    assert values.get() == (None, "", 0, 0, None, False)
    assert host.resume_at is None
    assert "was not opened: it is open" in act(client, "open_hosts", host)
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["pause", "resume"]


def test_the_list_takes_as_many_queries_for_many_hosts_as_for_one() -> None:
    client = client_of_role("viewer")
    Host.objects.create(host="a", in_flight=1)
    client.get(LIST)
    with CaptureQueriesContext(connection) as one:
        client.get(LIST)
    Host.objects.bulk_create(Host(host=f"{number}.example", closed_until=soon()) for number in range(20))
    with CaptureQueriesContext(connection) as many:
        client.get(LIST)
    assert len(many) == len(one)
