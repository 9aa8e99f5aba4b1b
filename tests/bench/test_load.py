"""What is sent, what is read, and which answers are none, against a server that says what it is told to."""

import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing

import pytest

from bench import load
from bench.load import Ask, http_request, send_all
from bench.measuring import WrongWorkError

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Connect = Callable[[Sequence[bytes]], socket.socket]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A connection to somebody who answers each request with all of these pieces, and then closes it when told to."""
    with ExitStack() as stack, closing(socket.create_server(("127.0.0.1", 0))) as server:

        def start(pieces: Sequence[bytes]) -> socket.socket:
            client = stack.enter_context(closing(socket.create_connection(server.getsockname())))
            peer, _ = server.accept()
            thread = threading.Thread(target=answer, args=(peer, pieces))
            thread.start()
            stack.callback(thread.join)
            stack.callback(client.close)
            return client

        yield start


def answer(peer: socket.socket, pieces: Sequence[bytes]) -> None:
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with peer:
        while peer.recv(65536):
            for piece in pieces:
                if not piece:
                    return
                peer.sendall(piece)


def asks(count: int) -> list[Ask]:
    return [Ask(http_request("GET", f"/{number}", authorization="t"), re.compile(rb"HTTP/1\.1 200 .*ok", re.DOTALL))
            for number in range(count)]  # fmt: skip


def test_a_request_has_its_token_its_body_and_its_key() -> None:
    assert http_request("POST", "/reports", authorization="Bearer secret", body=b"{}", key="a") == (
        b"POST /reports HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nAuthorization: Bearer secret\r\n"
        b'Content-Type: application/json\r\nContent-Length: 2\r\nIdempotency-Key: "a"\r\n\r\n{}'
    )


def test_each_request_is_answered_once_and_timed(connect: Connect) -> None:
    made = send_all(asks(7), [connect([GOOD]), connect([GOOD[:10], GOOD[10:-1], GOOD[-1:]])])
    assert len(made.latencies) == 7
    assert 0 < min(made.latencies) <= max(made.latencies) <= made.seconds * 1000
    assert made.per_second == 7 / made.seconds
    assert made.own_share > 0


def test_fewer_requests_than_clients_are_all_answered(connect: Connect) -> None:
    assert len(send_all(asks(1), [connect([GOOD]), connect([GOOD])]).latencies) == 1


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\nok"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"],
        [GOOD + b"more"],
        [GOOD[:-1], b""],
        [b""],
    ],
    ids=["status", "body", "no length", "too long", "cut off", "closed"],
)
def test_any_other_answer_is_wrong_work(connect: Connect, pieces: list[bytes]) -> None:
    with pytest.raises(WrongWorkError, match=r"asked b'GET /0 HTTP/1\.1"):
        send_all(asks(3), [connect(pieces)])


def test_no_answer_is_wrong_work(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "ANSWER_SECONDS", 1)  # the other answers within that, however busy the machine
    with pytest.raises(WrongWorkError, match="1 requests were not answered"):
        send_all(asks(2), [connect([]), connect([GOOD])])
