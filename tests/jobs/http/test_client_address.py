"""Whose address a request has."""

import pytest
from django.test import Client
from pytest_django import Settings

from config.settings import MIDDLEWARE
from jobs.checks import check_trusted_proxies
from jobs.http.client_address import client_address, parse_address, trusted_proxies

PROXIES = trusted_proxies(("10.0.0.0/8", "2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),  # the client made up the first
        ("6.6.6.6, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("203.0.113.9:4711, 10.0.0.7:80", "203.0.113.9"),
        ("[2001:db8::5]:443,  2001:db8:1::2", "2001:db8::5"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("10.0.0.9, 10.0.0.7", "10.0.0.9"),
        ("unknown, 10.0.0.7", "10.0.0.7"),
        ("203.0.113.9, nonsense", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_hop_that_is_not_ours(forwarded: str, client: str) -> None:
    assert client_address([*forwarded.split(","), "10.0.0.1"], PROXIES) == client


@pytest.mark.parametrize("text", ["", "unknown", "1.2.3", "_hidden", "[", "1.2.3.4.5", "a" * 10_000, "½"])
def test_what_is_not_an_address_is_none(text: str) -> None:
    assert parse_address(text) is None


def address_in_log(client: Client, caplog: pytest.LogCaptureFixture, peer: str) -> str:
    client.get("/api/errors", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9"}, REMOTE_ADDR=peer)
    [line] = [record.msg for record in caplog.records if record.name.startswith("django_structlog")]
    assert isinstance(line, dict)
    return str(line["ip"])


@pytest.mark.django_db
@pytest.mark.parametrize(("peer", "logged"), [("10.0.0.1", "203.0.113.9"), ("198.51.100.7", "198.51.100.7")])
def test_a_trusted_proxy_is_believed(
    peer: str, logged: str, client: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert address_in_log(client, caplog, peer) == logged


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("trusted", "logged"),
    [(["unix"], "203.0.113.9"), (["unix", "203.0.113.0/24"], "6.6.6.6"), (["10.0.0.0/8"], "None")],
)
def test_a_proxy_that_connects_by_a_unix_socket_is_believed_if_that_is_trusted(
    trusted: list[str], logged: str, client: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TRUSTED_PROXIES = trusted
    assert check_trusted_proxies(None) == []
    assert address_in_log(client, caplog, "") == logged


@pytest.mark.django_db
def test_only_a_trusted_proxy_says_that_a_request_came_by_https(client: Client, settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    secure = {"X-Forwarded-Proto": "https"}
    assert client.get("/sign-in", headers=secure, REMOTE_ADDR="10.0.0.1").status_code == 200
    assert client.get("/sign-in", headers=secure, REMOTE_ADDR="198.51.100.7").status_code == 301


def test_it_comes_before_all_that_looks_at_the_address() -> None:
    assert MIDDLEWARE[0] == "jobs.http.client_address.resolve_client_address"


def test_a_proxy_that_is_not_a_network_is_an_error(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "proxy.example"]
    [error] = check_trusted_proxies(None)
    assert (error.id, "proxy.example" in error.msg) == ("jobs.E005", True)
