"""Orders, which have an effect: the part of the API that a client must not ask for twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from examples.rates.server.counting import Counts
from examples.rates.server.wire import Answer, RefusedError, Request, json_answer


@dataclass
class Orders:
    """The orders so far. Those with an `Idempotency-Key` are found again by it."""

    counts: Counts
    placed: int = 0
    _by_key: dict[str, dict[str, Any]] = field(default_factory=dict)

    def place(self, request: Request) -> Answer:
        """Place an order, or answer as before if one with this key was placed. Raises RefusedError."""
        wanted = request.json_object()
        key = request.idempotency_key
        if known := self._by_key.get(key):
            if known["order"] != wanted:
                raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "This Idempotency-Key belongs to another order.")
            return json_answer(HTTPStatus.CREATED, known, Idempotency_Replayed="true")
        self.placed += 1
        self.counts.effects[key] += 1
        order = {"number": self.placed, "order": wanted}
        if key:
            self._by_key[key] = order
        return json_answer(HTTPStatus.CREATED, order)
