"""What the clients of the server have done, as the server has seen it."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from examples.rates.server.wire import Request


@dataclass
class Counts:
    """Counts of requests to the slow paths, from their arrival on, those over a limit included.

    `in_flight` are those that the server works on: a client that left does not end its request, unless it hangs.
    `effects` counts the orders by Idempotency-Key; those without a key are under the empty text.
    """

    requests: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    #: The most requests that arrived within any second.
    peak_per_second: int = 0
    paths: Counter[str] = field(default_factory=Counter)
    #: By path and query.
    targets: Counter[str] = field(default_factory=Counter)
    #: By the status of what was answered. A request without an answer is in none.
    statuses: Counter[int] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    _arrivals: deque[float] = field(default_factory=deque)

    @contextmanager
    def counting(self, request: Request) -> Iterator[None]:
        """Count a request, which is in flight until the block ends."""
        now = time.monotonic()
        self._arrivals.append(now)
        while self._arrivals[0] <= now - 1:
            self._arrivals.popleft()
        self.requests += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        self.peak_per_second = max(self.peak_per_second, len(self._arrivals))
        self.paths[request.path] += 1
        self.targets[request.target] += 1
        if request.idempotency_key:
            self.keys[request.idempotency_key] += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    def forget(self) -> None:
        """Begin anew. What is in flight stays so."""
        self.requests = self.peak_per_second = 0
        self.peak_in_flight = self.in_flight
        for counter in (self.paths, self.targets, self.statuses, self.keys, self.effects, self._arrivals):
            counter.clear()

    def as_json(self) -> dict[str, Any]:
        """The body of `GET /counts`."""
        return {
            "requests": self.requests,
            "inFlight": self.in_flight,
            "peakInFlight": self.peak_in_flight,
            "peakPerSecond": self.peak_per_second,
            "paths": dict(self.paths),
            "targets": dict(self.targets),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "keys": dict(self.keys),
            "effects": dict(self.effects),
        }
