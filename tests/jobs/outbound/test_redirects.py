"""Redirects of calls: which are followed, to where, and what the next host gets to see."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from jobs.outbound.errors import ForbiddenAddressError, RedirectRefusedError
from jobs.outbound.exchange import Exchange, Response
from jobs.outbound.redirects import carried_headers, is_same_host, next_target
from jobs.outbound.targets import Target
from tests.support.receivers import Receiver, receiving

SECRETS = {"Authorization": "Bearer 1", "cookie": "a=1", "X-Api-Key": "1", "Accept": "application/json"}


@pytest.fixture
def receiver(receiver: Receiver, settings: Settings) -> Receiver:
    """Hosts that are not trusted are called only at public addresses, by https."""
    settings.CALLBACK_ALLOW_HTTP = False
    settings.CALLBACK_ALLOWED_NETWORKS = []
    settings.CALLBACK_ALLOWED_PORTS = [443]
    return receiver


@pytest.fixture
def other(receiver: Receiver) -> Iterator[Receiver]:
    """Another server, to which the first one redirects."""
    with receiving() as running:
        receiver.headers["Location"] = running.url("/ok?a=b#fragment")
        yield running


def nobody(receiver: str) -> bool:
    return False


def follow(url: str, method: str = "GET", *, is_trusted: Callable[[str], bool] = nobody) -> Response:
    exchange = Exchange(
        url,
        timeout_seconds=10,
        connect_timeout_seconds=5,
        trusted=True,
        follow_redirects=True,
        is_trusted=is_trusted,
    )
    return exchange.send(method, b"", SECRETS, max_body_bytes=1000)


def test_five_redirects_are_followed(receiver: Receiver) -> None:
    assert follow(receiver.url("/hops/5")).status == 204
    assert [request.path for request in receiver.received] == [f"/hops/{left}" for left in (5, 4, 3, 2, 1, 0)]


def test_a_loop_ends(receiver: Receiver) -> None:
    receiver.headers["Location"] = "/status/302"
    with pytest.raises(RedirectRefusedError, match=r"^127\.0\.0\.1 redirected more than 5 times\.$") as caught:
        follow(receiver.url("/status/302"))
    assert caught.value.code == "redirect-refused"
    assert len(receiver.received) == 6


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_same_host_gets_the_same_request(status: int, method: str, receiver: Receiver) -> None:
    receiver.body = b"x" * 5000  # of a redirect that is followed, the body does not matter
    receiver.raw = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    receiver.headers["Location"] = "../raw"
    assert follow(receiver.url(f"/status/{status}"), method).status == 200
    assert [(each.method, each.path) for each in receiver.received] == [(method, f"/status/{status}"), (method, "/raw")]
    for request in receiver.received:
        assert request.headers.items() >= SECRETS.items()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_no_other_method_follows(method: str, receiver: Receiver) -> None:
    receiver.headers["Location"] = "/ok"
    response = follow(receiver.url("/status/303"), method)
    assert (response.status, response.headers["Location"], len(receiver.received)) == (303, "/ok", 1)


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_no_other_status_is_followed(status: int, receiver: Receiver) -> None:
    receiver.headers["Location"] = "/ok"
    assert follow(receiver.url(f"/status/{status}")).status == status


def test_a_redirect_without_a_location_is_the_response(receiver: Receiver) -> None:
    assert follow(receiver.url("/status/302")).status == 302


def test_nothing_is_followed_unless_the_caller_says_so(receiver: Receiver) -> None:
    receiver.headers["Location"] = "/ok"
    exchange = Exchange(receiver.url("/status/302"), timeout_seconds=5, connect_timeout_seconds=5, trusted=True)
    assert exchange.send("GET", b"", {}, max_body_bytes=0).status == 302
    assert len(receiver.received) == 1


def test_another_host_that_is_trusted_gets_no_secret(receiver: Receiver, other: Receiver) -> None:
    """Nor does a host that redirects back learn more by it: what was left out stays out."""
    asked = []

    def is_trusted(host: str) -> bool:
        asked.append(host)
        return True

    assert follow(receiver.url("/status/307"), is_trusted=is_trusted).status == 204
    assert asked == [f"127.0.0.1:{other.port}"]
    [received] = other.received
    assert received.path == "/ok?a=b"
    assert received.headers == {
        "Host": f"127.0.0.1:{other.port}", "Accept-Encoding": "identity", "Accept": "application/json",
        "Connection": "close",
    }  # fmt: skip


def test_another_host_at_a_private_address_is_refused(receiver: Receiver) -> None:
    receiver.headers["Location"] = "https://127.0.0.1/secret"
    with pytest.raises(ForbiddenAddressError, match=r"^127\.0\.0\.1 has no address that requests may be sent to\.$"):
        follow(receiver.url("/status/302"))


def test_another_host_whose_name_has_a_private_address_is_refused(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: [(2, 1, 6, "", ("127.0.0.1", 0))])
    receiver.headers["Location"] = "https://inside.example.com/secret"
    with pytest.raises(ForbiddenAddressError, match=r"^inside\.example\.com has no address") as caught:
        follow(receiver.url("/status/302"))
    assert caught.value.code == "forbidden-address"


def test_another_host_is_held_to_the_rules_of_callbacks(receiver: Receiver, other: Receiver) -> None:
    with pytest.raises(RedirectRefusedError) as caught:
        follow(receiver.url("/status/302"))
    assert str(caught.value) == "127.0.0.1 redirected to a URL that is not allowed: It must begin with https://."
    assert other.received == []


@pytest.mark.parametrize(
    "location", ["ftp://example.com/", "http://user:hunter2@127.0.0.1/", "http://[::1", "https://-/", "http://a\x85b/"]
)
def test_nonsense_is_not_followed(location: str, receiver: Receiver) -> None:
    receiver.headers["Location"] = location
    with pytest.raises(RedirectRefusedError, match=r"^127\.0\.0\.1 redirected to a URL that is not allowed") as caught:
        follow(receiver.url("/status/302"), is_trusted=lambda receiver: True)
    assert "hunter2" not in str(caught.value)


def test_a_trusted_host_stays_trusted_where_it_turns_to_https() -> None:
    before = Target.of("http://10.0.0.1/a", trusted=True)
    after = next_target(before, "https://10.0.0.1/b", is_trusted=nobody)
    assert (after.url, after.trusted) == ("https://10.0.0.1/b", True)
    assert carried_headers(SECRETS, before, after) == SECRETS


def test_a_host_that_is_not_trusted_does_not_become_so(settings: Settings) -> None:
    settings.CALLBACK_ALLOWED_PORTS = [443]
    before = Target.of("https://example.com/a")
    assert not next_target(before, "/b", is_trusted=nobody).trusted
    with pytest.raises(ForbiddenAddressError):
        next_target(before, "https://10.0.0.1/b", is_trusted=nobody)


def test_https_does_not_turn_to_http() -> None:
    with pytest.raises(RedirectRefusedError, match=r"^example\.com redirected from https to http\.$"):
        next_target(Target.of("https://example.com/", trusted=True), "http://example.com/", is_trusted=lambda _: True)


def test_a_location_in_utf_8_is_understood() -> None:
    location = "/caf\u00e9".encode().decode("latin-1")  # as the header arrives
    assert next_target(Target.of("https://a.example/", trusted=True), location, is_trusted=nobody).path == "/caf%C3%A9"


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("https://a.example/", "https://a.example/x", True),
        ("https://a.example/", "https://a.example:443/x", True),
        ("http://a.example/", "https://a.example/", True),
        ("http://a.example:8080/", "https://a.example/", False),
        ("http://a.example/", "https://a.example:8443/", False),
        ("https://a.example/", "http://a.example/", False),
        ("https://a.example/", "https://a.example:8443/", False),
        ("https://a.example/", "https://b.a.example/", False),
    ],
)
def test_which_servers_are_the_same(before: str, after: str, same: bool) -> None:
    assert is_same_host(Target.of(before), Target.of(after)) is same
