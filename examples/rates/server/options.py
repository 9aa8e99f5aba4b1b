"""How slow the server is, and how many requests it takes."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from examples.rates.server.wire import Answer, RefusedError, json_answer


@dataclass
class Options:
    """How long an answer takes, and the limits; None is no limit."""

    delay_seconds: float = 1.0
    max_in_flight: int | None = None
    max_per_second: int | None = None
    #: When the requests of the last second arrived.
    _accepted: deque[float] = field(default_factory=deque)

    def change(self, wanted: dict[str, Any]) -> None:
        """Change what a request to `/options` names, and count the second anew.

        Raises RefusedError, and then changes nothing.
        """
        names = {"delaySeconds": "delay_seconds", "maxInFlight": "max_in_flight", "maxPerSecond": "max_per_second"}
        for name, value in wanted.items():
            is_delay = name == "delaySeconds"
            if name not in names:
                raise RefusedError(HTTPStatus.BAD_REQUEST, f"There is no option {name!r}.")
            if value is None and not is_delay:
                continue
            if not isinstance(value, int | float) or not math.isfinite(value) or value < (0 if is_delay else 1):
                raise RefusedError(HTTPStatus.BAD_REQUEST, f"{name} has a value that is not possible.")
        for name, value in wanted.items():
            setattr(self, names[name], value)
        self._accepted.clear()

    def refuse(self, *, in_flight: int) -> Answer | None:
        """A 429 if a request is one too many; else None, and it counts. `in_flight` does not include it."""
        now = time.monotonic()
        while self._accepted and self._accepted[0] <= now - 1:
            self._accepted.popleft()
        if self.max_in_flight is not None and in_flight >= self.max_in_flight:
            return _too_many(f"{self.max_in_flight} requests are in flight.")
        if self.max_per_second is not None and len(self._accepted) >= self.max_per_second:
            return _too_many(f"There were {self.max_per_second} requests within a second.")
        self._accepted.append(now)
        return None


def _too_many(reason: str) -> Answer:
    return json_answer(HTTPStatus.TOO_MANY_REQUESTS, {"error": reason}, Retry_After="1")
