"""The bytes of a request: one request whatever its headers say, and nothing that changes how it is framed."""

import pytest

from jobs.outbound.requests import request_bytes
from jobs.outbound.targets import Target

TARGET = Target.of("https://example.com:8443/a?b=c")


def test_the_bytes_of_a_request() -> None:
    assert request_bytes("PUT", TARGET, {"X-A": "é"}, b"body") == (
        b"PUT /a?b=c HTTP/1.1\r\nHost: example.com:8443\r\nAccept-Encoding: identity\r\nContent-Length: 4\r\n"
        b"X-A: \xe9\r\nConnection: close\r\n\r\nbody"
    )


@pytest.mark.parametrize(("method", "announced"), [("GET", False), ("DELETE", False), ("POST", True), ("PATCH", True)])
def test_an_empty_body_is_announced_where_a_server_expects_one(method: str, announced: bool) -> None:
    assert (b"\r\nContent-Length: 0\r\n" in request_bytes(method, TARGET, {}, b"")) is announced


@pytest.mark.parametrize("method", ["", "GET /", "GE\r\nT", "ÄNDERE"])
def test_a_method_is_a_token(method: str) -> None:
    with pytest.raises(ValueError, match=r"^The method is not a token\.$"):
        request_bytes(method, TARGET, {}, b"")


@pytest.mark.parametrize("name", ["", "X A", "X:", "X\r\nY", "Host", "content-length", "Transfer-Encoding", "Expect"])
def test_a_header_that_would_change_the_framing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be set\.$"):
        request_bytes("GET", TARGET, {name: "1"}, b"")


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "\x7f", "€"])
def test_a_value_is_one_line_and_is_not_shown(value: str) -> None:
    with pytest.raises(ValueError, match=r"^The value of the header 'X-Key' has a character that is not allowed\.$"):
        request_bytes("GET", TARGET, {"X-Key": f"secret{value}"}, b"")
