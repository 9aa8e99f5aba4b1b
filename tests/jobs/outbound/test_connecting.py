"""Which address of a name is connected to, and when it is given up for the next one."""

import ipaddress
import socket
import time

import pytest
from pytest_django import Settings

from jobs.outbound.connecting import addresses_of, connect
from jobs.outbound.cutoff import Cutoff
from jobs.outbound.errors import ForbiddenAddressError, NotConnectedError
from jobs.outbound.targets import Target
from tests.support.sockets import full_backlog


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    found = [
        (socket.AF_INET6, 1, 6, "", (address, 0, 7, 9)) if ":" in address else (socket.AF_INET, 1, 6, "", (address, 0))
        for address in addresses
    ]
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: found)


def addresses(url: str, *, trusted: bool) -> list[object]:
    cutoff = Cutoff(20)
    found = addresses_of(Target.of(url, trusted=trusted), cutoff=cutoff, until=cutoff.deadline)
    return [address for _, address in found]


def test_all_addresses_of_a_trusted_host_are_allowed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = []
    resolve_to(monkeypatch, "10.0.0.1", "fd00::1", "93.184.216.34")
    assert addresses("https://a.example/", trusted=True) == [
        ("10.0.0.1", 443), ("fd00::1", 443, 7, 9), ("93.184.216.34", 443)
    ]  # fmt: skip
    assert addresses("https://a.example:8443/", trusted=False) == [("93.184.216.34", 8443)]


@pytest.mark.parametrize("host", ["10.0.0.1", "[::1]", "169.254.169.254"])
def test_an_address_in_the_url_is_checked_too(host: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a lookup, and without the thread for it."""
    settings.CALLBACK_ALLOWED_NETWORKS = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: pytest.fail("a name was resolved"))
    assert addresses(f"http://{host}/", trusted=True) == [(str(ipaddress.ip_address(host.strip("[]"))), 80)]
    with pytest.raises(ForbiddenAddressError):
        addresses(f"http://{host}/", trusted=False)


def test_an_address_that_does_not_answer_leaves_time_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as IPv6 where its packets are lost."""
    with full_backlog() as port, socket.create_server(("127.0.0.2", port)):
        resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
        target = Target.of(f"http://a.example:{port}/", trusted=True)
        with connect(target, cutoff=Cutoff(20), timeout_seconds=0.4) as sock:
            assert sock.getpeername() == ("127.0.0.2", port)


def test_all_addresses_together_get_no_more_time_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_backlog() as port:
        resolve_to(monkeypatch, *["127.0.0.1"] * 5)
        began = time.monotonic()
        with pytest.raises(NotConnectedError, match=r"^a\.example did not accept a connection within 0\.3 seconds\.$"):
            connect(Target.of(f"http://a.example:{port}/", trusted=True), cutoff=Cutoff(20), timeout_seconds=0.3)
        assert 0.2 < time.monotonic() - began < 10
