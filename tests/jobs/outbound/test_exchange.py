"""Where something is sent to, and how long it is waited for: names, addresses, connections."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from jobs.models import Attempt, Job
from jobs.outbound.resolving import forget_names
from jobs.states import State
from tests.support.receivers import Receiver
from tests.support.results import told
from tests.support.sockets import full_backlog

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_name_that_resolves_to_a_private_address_is_not_called(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = []
    resolve_to(monkeypatch, ["127.0.0.1"])
    job = deliver(receiver.url("/ok", host="receiver.example.com"))
    assert (job.state, receiver.received) == (State.FAILED, [])
    assert Attempt.objects.get().error_message == (
        "receiver.example.com has no address that requests may be sent to."
    )  # fmt: skip


def test_the_owner_does_not_learn_whether_a_name_is_known_inside(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by the text nor by what becomes of the delivery; the staff do."""
    settings.CALLBACK_ALLOWED_NETWORKS = []
    resolve_to(monkeypatch, ["10.0.0.7"])
    known = deliver(receiver.url("/ok", host="db.example.com"))
    monkeypatch.setattr("socket.getaddrinfo", fail_to_resolve)
    forget_names()
    unknown = deliver(receiver.url("/ok", host="db.example.com"))
    told_of_both = {
        "code": "retryable-error", "retryable": True,
        "detail": "The name db.example.com does not resolve to an address that requests may be sent to.",
    }  # fmt: skip
    assert [(job.state, told(job)) for job in (known, unknown)] == [(State.FAILED, told_of_both)] * 2
    assert list(Attempt.objects.order_by("pk").values_list("error_message", flat=True)) == [
        "db.example.com has no address that requests may be sent to.",
        "The name db.example.com does not resolve.",
    ]


def test_a_name_whose_answer_changes_is_called_where_it_was_looked_at(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the second answer would be another machine."""
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    asked = resolve_to(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    url = receiver.url("/ok", host="receiver.example.com")
    assert deliver(url).state == State.SUCCEEDED
    assert asked == ["receiver.example.com"]
    assert receiver.received[0].headers["Host"] == f"receiver.example.com:{receiver.port}"
    forget_names()  # otherwise a result is used for a second
    assert deliver(url).state == State.FAILED
    assert len(receiver.received) == 1


def test_of_several_addresses_only_allowed_ones_are_tried_one_after_the_other(
    receiver: Receiver, deliver: Callable[..., Job], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.1/32", "127.0.0.3/32"]
    resolve_to(monkeypatch, ["127.0.0.2", "127.0.0.3", "127.0.0.1"])  # nobody listens at the second one
    assert deliver(receiver.url("/ok", host="receiver.example.com")).state == State.SUCCEEDED


def test_a_proxy_of_the_environment_is_not_asked(
    receiver: Receiver, deliver: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert deliver(receiver.url("/ok")).state == State.SUCCEEDED


def test_a_name_server_that_hangs_is_left_within_the_time_to_connect(
    receiver: Receiver, deliver: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: receiver.ended.wait(5))
    began = time.monotonic()
    job = deliver(receiver.url("/ok", host="receiver.example.com"))
    assert time.monotonic() - began < 4
    assert told(job)["detail"] == "receiver.example.com did not accept a connection within 0.3 seconds."
    receiver.ended.set()


def test_a_host_that_takes_no_connection_is_left_within_the_time_to_connect(
    receiver: Receiver, deliver: Callable[..., Job]
) -> None:
    with full_backlog() as port:
        began = time.monotonic()
        job = deliver(f"http://127.0.0.1:{port}/")
    assert time.monotonic() - began < 4
    assert told(job)["detail"] == "127.0.0.1 did not accept a connection within 0.3 seconds."


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let names resolve to this, one answer after the other; the last stays. Returns the names that were asked for."""
    real, left, asked = socket.getaddrinfo, list(answers), []

    def resolve(host: str, port: int, **options: Any) -> Any:
        if not host.endswith("example.com"):
            return real(host, port, **options)
        asked.append(host)
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    return asked


def fail_to_resolve(*arguments: Any, **options: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
