"""What views learn of the connection: whether the client may be kept waiting."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from config.arriving import CLIENT_KEY, Arriving, GunicornClient
from jobs.http.clients import KEY


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's end of a TCP connection, and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
        with ours, theirs:
            yield ours, theirs


def test_a_client_may_wait_until_it_closes(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    client = GunicornClient(ours, lambda: False)
    assert client.may_wait()
    theirs.sendall(b"GET /next HTTP/1.1\r\n")
    assert client.may_wait(), "the next request has arrived"
    theirs.close()
    assert not client.may_wait()
    assert ours.recv(100) == b"GET /next HTTP/1.1\r\n", "and nothing was read of it"


def test_a_client_that_resets_its_connection_is_gone(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    ours.sendall(b"x")
    theirs.close()  # with a byte unread, which is a reset
    assert not GunicornClient(ours, lambda: False).may_wait()


def test_nobody_may_wait_for_a_server_that_stops(pair: tuple[socket.socket, socket.socket]) -> None:
    assert not GunicornClient(pair[0], lambda: True).may_wait()


@pytest.mark.parametrize("is_stopping", [False, True])
def test_the_application_finds_its_client_and_a_stopping_server_closes(
    is_stopping: bool, pair: tuple[socket.socket, socket.socket]
) -> None:
    class Response:
        """gunicorn's, as far as an application sees it."""

        closes = False

        def start_response(self, status: str, headers: object) -> None: ...

        def force_close(self) -> None:
            self.closes = True

    found: list[bool] = []

    def application(environ: dict[str, Any], start_response: object) -> list[bytes]:
        found.append(environ[KEY].may_wait())
        return []

    response = Response()
    environ = {"wsgi.input": None, "gunicorn.socket": pair[0]}
    Arriving(application, is_stopping=lambda: is_stopping)(environ, response.start_response)
    assert (found, response.closes) == ([not is_stopping], is_stopping)


def test_both_sides_mean_the_same_key() -> None:
    assert CLIENT_KEY == KEY
