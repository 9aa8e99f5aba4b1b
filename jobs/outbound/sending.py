"""Sends a request, until all is sent or the server answers before that."""

from __future__ import annotations

import select
import socket
import ssl
from typing import Final

#: Bytes sent between two looks for an answer.
CHUNK_BYTES: Final = 256 * 1024


def send_until_answered(sock: socket.socket, request: bytes) -> None:
    """Send the request. A server that refuses it early, such as with 413, may answer and not read on.

    Over TLS all is sent: what can be read there need not be an answer (RFC 8446 section 4.6.1). Raises OSError, such as
    TimeoutError.
    """
    if isinstance(sock, ssl.SSLSocket):
        sock.sendall(request)
        return
    seconds, left = sock.gettimeout(), memoryview(request)
    events = select.poll()
    events.register(sock, select.POLLIN | select.POLLOUT)
    while left:
        ready = events.poll(None if seconds is None else seconds * 1000)
        if not ready:
            raise TimeoutError
        if ready[0][1] & select.POLLIN:
            return
        left = left[sock.send(left[:CHUNK_BYTES]) :]
