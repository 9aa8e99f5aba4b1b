"""Remote APIs on loopback, each a process of its own, that are slow, limited, wrong or dead as a test says.

    with running_remote(delay=0.1) as remote:
        remote.behave({"do": "status", "status": 503, "retryAfter": 2}, {"do": "hang", "path": "/orders"})
        ...
        assert remote.counts()["effects"] == {"key": 1}

They are the server of the bundled example: `examples/rates/server` says what it answers. `exchange_rates(remote)` makes
the example's call type known to this process. A worker knows it if it is started with `EXAMPLE_RATES_URL=remote.url`.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from django.conf import settings

from calls.types import CALL_TYPES
from config.stack.datafolder import BASE_DIR
from config.stack.probing import HOST

#: For an answer of the remote about itself, even where the machine is busy. Seconds.
TIMEOUT_SECONDS = 30


class Remote:
    """One remote API. Its address stays the same over restarts, and nobody else gets its port meanwhile."""

    def __init__(self, *, delay: float = 0.0, max_in_flight: int | None = None, max_per_second: int | None = None):
        """`delay` in seconds; the limits are those of `examples.rates.server.options`."""
        # Bound, but not listening: connections are refused while the process is away. A port that is merely
        # remembered may become somebody's own end of a connection, even of a client that connects to it.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((HOST, 0))
        self.port: int = self._reserved.getsockname()[1]
        self._options = ["--follow-stdin", "--delay", str(delay)]
        for name, limit in (("--max-in-flight", max_in_flight), ("--max-per-second", max_per_second)):
            self._options += [] if limit is None else [name, str(limit)]
        self._process: subprocess.Popen[str] | None = None

    @property
    def host(self) -> str:
        """Its name in `CallType.hosts`."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def start(self) -> None:
        """Start it, with empty counts. It answers when this returns."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "examples.rates.server", "--port", str(self.port), *self._options],
            cwd=BASE_DIR,
            stdin=subprocess.PIPE,  # which ends with this process, however that ends
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        assert first == f"{self.url}\n", f"the remote does not start: {first!r}"

    def stop(self) -> None:
        """Stop it. What is in hand is not answered, and connections are refused from now on."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it: it forgets its counts, its orders and what it was told to do."""
        self._end(signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """For the length of a block it answers nothing, though connections are made."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it, and give its port back."""
        self._end(signal.SIGKILL)
        self._reserved.close()

    def behave(self, *misbehaviours: dict[str, Any]) -> None:
        """Answer the next requests so: each is a `Misbehaviour` of `examples.rates.server`, in camelCase."""
        self._ask("POST", "/behaviour", {"next": list(misbehaviours)})

    def behave_well(self) -> None:
        """Forget the misbehaviours that are still to come."""
        self._ask("DELETE", "/behaviour")

    def set_options(self, **options: float | None) -> None:
        """Change `delaySeconds`, `maxInFlight` or `maxPerSecond`."""
        self._ask("POST", "/options", options)

    def counts(self) -> dict[str, Any]:
        """What clients have done: `examples.rates.server.counting.Counts`."""
        counts: dict[str, Any] = self._ask("GET", "/counts")
        return counts

    def forget_counts(self) -> None:
        self._ask("DELETE", "/counts")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}{path}", json=body, timeout=TIMEOUT_SECONDS)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(TIMEOUT_SECONDS)
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                pipe.close()
            self._process = None


@contextmanager
def running_remote(**options: Any) -> Iterator[Remote]:
    """A remote API for the length of a block, with the options of `Remote`."""
    remote = Remote(**options)
    try:
        remote.start()
        yield remote
    finally:
        remote.close()


@contextmanager
def exchange_rates(remote: Remote) -> Iterator[None]:
    """The call type `exchange-rates` for the length of a block, as it is where EXAMPLE_RATES_URL names this remote."""
    from examples.rates.call_types import ExchangeRates, hosts_of  # needs the settings

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "EXAMPLE_RATES_URL", remote.url)
        patch.setattr(ExchangeRates, "hosts", hosts_of(remote.url))
        patch.setitem(CALL_TYPES._types, ExchangeRates.identifier, ExchangeRates())
        yield
