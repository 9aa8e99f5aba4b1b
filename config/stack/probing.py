"""Ports and addresses of this machine, for the launcher, the demo and the tests."""

import socket
import urllib.request
from typing import Final

HOST: Final = "127.0.0.1"


def answers(url: str) -> bool:
    """Whether a GET succeeds."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - an http:// address of our own
            return True
    except OSError:
        return False


def can_bind(port: int) -> bool:
    """Whether a server could listen on the port. Connections in TIME_WAIT do not matter."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
