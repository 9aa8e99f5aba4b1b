"""Connections, and what becomes of each request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from examples.rates.server.counting import Counts
from examples.rates.server.daily_rates import answer_rates
from examples.rates.server.misbehaviour import ACTIONS, REGULAR, Connection, Misbehaviour, Script
from examples.rates.server.options import Options
from examples.rates.server.orders import Orders
from examples.rates.server.wire import Answer, RefusedError, Request, json_answer, read_request


class RatesServer:
    """The state of the server. All of it belongs to one event loop."""

    def __init__(self, options: Options) -> None:
        self.options, self.counts, self.script = options, Counts(), Script()
        self.orders = Orders(self.counts)
        #: What is slow and limited.
        self.slow: Mapping[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/rates"): lambda request: answer_rates(request.query),
            ("POST", "/orders"): self.orders.place,
        }
        #: What is for whoever runs the server.
        self.control: Mapping[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "/counts"): lambda request: self.counts.as_json(),
            ("DELETE", "/counts"): lambda request: self.counts.forget(),
            ("POST", "/behaviour"): lambda request: self.script.extend(request.json_object()),
            ("DELETE", "/behaviour"): lambda request: self.script.coming.clear(),
            ("POST", "/options"): lambda request: self.options.change(request.json_object()),
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, until either side closes it."""
        try:
            # Cancelled is a connection that is open when the server stops. Python 3.11 would log that.
            with suppress(ConnectionError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await read_request(reader):
                if act := self.control.get((request.method, request.path)):
                    await self._send(writer, json_answer(HTTPStatus.OK, act(request)))
                    continue
                with self.counts.counting(request):
                    status = await self._answer_slowly(request, reader, writer)
                    if status is None:
                        return
                    self.counts.statuses[status] += 1
        except RefusedError as error:  # of the control, or what is no request: nobody knows where the next one begins
            answer = error.answer
            await self._send(writer, replace(answer, headers={**answer.headers, "Connection": "close"}))

    async def _answer_slowly(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> int | None:
        """Answer, rightly or wrongly. Returns the status, or None if the connection is over."""
        if refusal := self.options.refuse(in_flight=self.counts.in_flight - 1):
            await self._send(writer, refusal)
            return refusal.status
        wrong = self.script.take(request.path)
        answer = await self._work(request, wrong) if wrong is None or wrong.has_effect else None
        if wrong is not None:
            act = {**ACTIONS, **REGULAR}[wrong.do]
            return await act(Connection(reader, writer, answer), wrong)
        assert answer is not None  # noqa: S101 - for mypy
        await self._send(writer, answer)
        return answer.status

    async def _work(self, request: Request, wrong: Misbehaviour | None) -> Answer:
        """Take the time that an answer takes, and then have the effect, even if the client has left."""
        is_delayed = wrong is not None and wrong.do == "delay"
        await asyncio.sleep(wrong.seconds if wrong and is_delayed else self.options.delay_seconds)
        if not (act := self.slow.get((request.method, request.path))):
            return json_answer(HTTPStatus.NOT_FOUND, {"error": f"There is no {request.method} {request.path}."})
        try:
            return act(request)
        except RefusedError as error:
            return error.answer

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        writer.write(answer.head() + answer.body)
        await writer.drain()
