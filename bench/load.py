"""Load: requests over persistent connections, as fast as they are answered, and how long each answer took.

One thread that writes bytes made beforehand and reads as little of an answer as it can, so that it is not what is
measured: how much of a core it took is part of the result.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.measuring import WrongWorkError

#: No answer at all for so long is none. Seconds.
ANSWER_SECONDS: Final = 30.0
LENGTH: Final = re.compile(rb"\r\nContent-Length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True)
class Ask:
    """A request as it goes over the wire, and what its answer must look like, from the status line to the last byte."""

    request: bytes
    answer: re.Pattern[bytes]


@dataclass(frozen=True)
class Load:
    """What some clients met."""

    seconds: float  #: from the first request to the last answer
    latencies: list[float]  #: milliseconds, from the first byte sent to the last one read
    own_share: float  #: of one core, what sending and reading took

    @property
    def per_second(self) -> float:
        """Requests."""
        return len(self.latencies) / self.seconds

    @classmethod
    def joined(cls, loads: Sequence[Load]) -> Load:
        """One after the other, as one."""
        seconds = sum(load.seconds for load in loads)
        work = sum(load.own_share * load.seconds for load in loads)
        return cls(seconds, [latency for load in loads for latency in load.latencies], work / seconds)


def http_request(method: str, path: str, *, authorization: str, body: bytes = b"", key: str | None = None) -> bytes:
    """A request of an API client, in HTTP/1.1, where connections persist."""
    headers = ["Host: 127.0.0.1", "Accept: application/json", f"Authorization: {authorization}"]
    if body:
        headers += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    if key:
        headers.append(f'Idempotency-Key: "{key}"')
    return "\r\n".join([f"{method} {path} HTTP/1.1", *headers, "", ""]).encode() + body


def send_all(asks: Sequence[Ask], connections: Sequence[socket.socket]) -> Load:
    """Each connection is a client that sends its next request once its last one is answered, until none is left.

    Raises WrongWorkError for an answer that is not as it must be, and for one that does not come.
    """
    latencies: list[float] = []
    left = iter(asks)
    worked, started = time.process_time(), time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for connection, ask in zip(connections, left, strict=False):
            selector.register(connection, selectors.EVENT_READ, _Asked(ask, connection))
        while selector.get_map():
            ready = selector.select(ANSWER_SECONDS)
            if not ready:
                raise WrongWorkError(f"{len(selector.get_map())} requests were not answered")
            for key, _ in ready:
                asked: _Asked = key.data
                if not asked.read():
                    continue
                latencies.append(asked.milliseconds)
                if ask_next := next(left, None):
                    selector.modify(key.fileobj, selectors.EVENT_READ, _Asked(ask_next, asked.connection))
                else:
                    selector.unregister(key.fileobj)
    seconds, work = time.perf_counter() - started, time.process_time() - worked
    return Load(seconds, latencies, work / seconds)


class _Asked:
    """A request that has been sent."""

    def __init__(self, ask: Ask, connection: socket.socket) -> None:
        self.ask = ask
        self.connection = connection
        self.milliseconds = 0.0
        self._read = b""
        self._sent_at = time.perf_counter()
        connection.sendall(ask.request)

    def read(self) -> bool:
        """Read what has come; whether that was all of the answer. Raises WrongWorkError if it is not as it must be."""
        more = self.connection.recv(65536)
        self.milliseconds = (time.perf_counter() - self._sent_at) * 1000
        self._read += more
        head, separator, body = self._read.partition(b"\r\n\r\n")
        length = LENGTH.search(head + b"\r\n")
        if more and (not separator or (length and len(body) < int(length[1]))):
            return False
        if length and len(body) == int(length[1]) and self.ask.answer.match(self._read):
            return True
        raise WrongWorkError(f"asked {self.ask.request[:80]!r}, and was answered {self._read[-2000:]!r}")
