"""Which URLs are taken, in which form, and which addresses."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django import Settings
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES  # type: ignore[import-untyped]

from jobs.models.callbacks import LONGEST_HOST
from jobs.outbound.addresses import is_allowed
from jobs.outbound.urls import (
    ALL_BUCKETS,
    BUCKETS,
    InvalidCallbackURLError,
    bucket_of,
    canonical_url,
    host_of,
    receiver_of,
)

NOT_SENT_TO = "Callbacks are not sent to this address."


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://Example.COM./Hook?Key=A%2fB", "https://example.com/Hook?Key=A%2fB"),
        ("https://example.com:443/a?b=c&d=[e]", "https://example.com:443/a?b=c&d=[e]"),
        ("https://bücher.example/ü?ö=€", "https://xn--bcher-kva.example/%C3%BC?%C3%B6=%E2%82%AC"),
        ("https://a_b.example.com/", "https://a_b.example.com/"),
        ("https://93.184.216.34/", "https://93.184.216.34/"),
        ("https://[2606:4700:4700:0::1111]:443/x", "https://[2606:4700:4700::1111]:443/x"),
    ],
)
def test_a_url_is_kept_in_its_canonical_form(sent: str, kept: str) -> None:
    assert canonical_url(sent) == kept
    assert canonical_url(kept) == kept


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "It must be an absolute URL that begins with https://."),
        ("/hook", "It must be an absolute URL that begins with https://."),
        ("//example.com/hook", "It must be an absolute URL that begins with https://."),
        ("ftp://example.com/", "It must be an absolute URL that begins with https://."),
        ("https:///hook", "It must be an absolute URL that begins with https://."),
        ("javascript:alert(1)", "It must be an absolute URL that begins with https://."),
        ("http://example.com/", "It must begin with https://."),
        ("https://ada@example.com/", "It must not contain a user name or password."),
        ("https://ada:secret@example.com/", "It must not contain a user name or password."),
        ("https://@example.com/", "It must not contain a user name or password."),
        ("https://example.com/#part", "It must not contain a fragment."),
        ("https://example.com/#", "It must not contain a fragment."),
        ("https://example.com/a b", "It must not contain spaces, backslashes or control characters."),
        ("https://example.com/\r\nX: y", "It must not contain spaces, backslashes or control characters."),
        ("https://example.com\\@evil.example/", "It must not contain spaces, backslashes or control characters."),
        (" https://example.com/", "It must not contain spaces, backslashes or control characters."),
        ("https://example.com:0/", "Its port is not valid."),
        ("https://example.com:80/", "Callbacks are not sent to this port."),
        ("https://example.com:6379/", "Callbacks are not sent to this port."),
        ("https://example.com:/", "Its port is not valid."),
        ("https://example.com:99999/", "It is not a valid URL."),
        ("https://example.com:http/", "It is not a valid URL."),
        ("https://[::1/", "It is not a valid URL."),
        ("https://[fe80::1%25eth0]/", "Its host is not a valid name or address."),
        ("https://a..example.com/", "Its host is not a valid name or address."),
        ("https://-a.example.com/", "Its host is not a valid name or address."),
        ("https://exa%6dple.com/", "Its host is not a valid name or address."),
        (f"https://{'a' * 64}.example.com/", "Its host is not a valid name or address."),
        (f"https://{'a.' * 130}com/", "Its host is not a valid name or address."),
        ("https://\u2488\u2488.example/", "Its host is not a valid name or address."),
        (f"https://example.com/{'a' * 1981}", "It is longer than 2000 characters."),
        (f"https://example.com/{'ä' * 500}", "It is longer than 2000 characters when written in ASCII."),
    ],
)
def test_other_urls_are_refused_and_it_is_said_why(url: str, why: str) -> None:
    with pytest.raises(InvalidCallbackURLError) as error:
        canonical_url(url)
    assert str(error.value) == why


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1",
        "１２７.0.0.1", "ⓛocalhost", "0.0.0.0",  # noqa: S104
        "0", "10.0.0.1", "169.254.169.254", "192.168.1.1", "172.16.0.1",
        "100.64.0.1", "100.100.100.200", "168.63.129.16", "224.0.0.1", "255.255.255.255", "[::1]", "[::]",
        "[::ffff:10.0.0.1]", "[::ffff:0a00:1]", "[::127.0.0.1]", "[64:ff9b::a00:1]", "[64:ff9b:1::1]", "[fe80::1]",
        "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2002:a00:1::]", "[2001:0:a00:1::]", "[2001:20::1]",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_at_once_however_it_is_spelt(host: str) -> None:
    with pytest.raises(InvalidCallbackURLError) as error:
        canonical_url(f"https://{host}/")
    assert str(error.value) == NOT_SENT_TO


@given(
    st.one_of(
        st.text(max_size=60),
        st.text(max_size=40).map("https://{}".format),
        st.builds(
            "https://{}:{}/{}?{}".format,
            st.text(alphabet="a.-_1:[]%@ßⓐ１\u0130", max_size=20),
            st.integers(0, 70000),
            st.text(max_size=10),
            st.text(max_size=10),
        ),
    )
)
@examples(max_examples=60, deadline=None, database=None)
def test_any_text_is_refused_or_has_a_canonical_form_that_stays_as_it_is(text: str) -> None:
    try:
        url = canonical_url(text)
    except InvalidCallbackURLError:
        return
    assert canonical_url(url) == url
    assert url.isascii()
    assert url.isprintable()


def test_settings_allow_networks_http_and_ports(settings: Settings) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8", "fd00::/8"]
    settings.CALLBACK_ALLOW_HTTP = True
    settings.CALLBACK_ALLOWED_PORTS = [80, 8000]
    for url in ("http://127.0.0.1:8000/", "http://localhost/", "http://[fd12::1]/", "http://[::ffff:7f00:1]/"):
        assert canonical_url(url) == url
    with pytest.raises(InvalidCallbackURLError):
        canonical_url("http://10.0.0.1/")
    with pytest.raises(InvalidCallbackURLError):
        canonical_url("https://localhost/")
    settings.CALLBACK_ALLOWED_PORTS = []
    assert canonical_url("https://localhost:65535/") == "https://localhost:65535/"


@pytest.mark.parametrize("network", EXTRA_BLOCKED_NET_RANGES)
def test_whatever_requests_hardened_blocks_is_refused(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> None:
    assert not is_allowed(network[0])
    assert not is_allowed(network[network.num_addresses // 2])
    assert not is_allowed(network[-1])


@pytest.mark.parametrize("address", ["8.8.8.8", "192.0.1.1", "2606:4700::1111", "2a00:1450:4001::64"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "host", "receiver"),
    [
        ("https://example.com/hook", "example.com", "example.com:443"),
        ("https://example.com:8443/hook", "example.com", "example.com:8443"),
        ("http://example.com/", "example.com", "example.com:80"),
        ("https://[2001:db8::1]/", "2001:db8::1", "[2001:db8::1]:443"),
    ],
)
def test_a_receiver_is_a_host_with_its_port(url: str, host: str, receiver: str) -> None:
    assert (host_of(url), receiver_of(url)) == (host, receiver)


def test_the_longest_receiver_fits_into_its_column(settings: Settings) -> None:
    settings.CALLBACK_ALLOWED_PORTS = []
    label = "a" * 63
    url = canonical_url(f"https://{label}.{label}.{label}.{'a' * 61}:65535/")
    assert len(receiver_of(url)) == LONGEST_HOST


def test_deliveries_have_few_types_however_many_hosts_there_are_and_one_host_has_one() -> None:
    """The number is kept in rows, so it is fixed here: another hash would move what waits."""
    assert bucket_of("https://example.com/a") == bucket_of("https://example.com:443/b?c") == "hosts-32"
    buckets = {bucket_of(f"https://h{number}.example.com/") for number in range(2000)}
    assert buckets == set(ALL_BUCKETS)
    assert len(ALL_BUCKETS) == BUCKETS == 64
