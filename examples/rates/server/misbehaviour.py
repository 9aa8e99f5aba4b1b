"""Wrong answers, which a test orders for the next requests."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from examples.rates.server.wire import Answer, RefusedError, json_answer

CHUNK_BYTES: Final = 64 * 1024


@dataclass
class Misbehaviour:
    """What happens to the next `times` requests to `path`; None is any path. A member of the list `next`, in camelCase.

    `do` is one of these:

    - `status`: answer with `status`, `headers`, `retryAfter` and `body`
    - `redirect`: answer 302 with `location`
    - `hang`: never answer, until the client leaves
    - `close`, `reset`: close the connection without an answer; the latter by a TCP reset
    - `not-json`: answer 200 with HTML that says to be JSON
    - `not-http`: answer as a mail server would
    - `delay`: answer correctly after `seconds`
    - `drip`: answer correctly, but byte by byte with `seconds` between them. With `bytes`, the body has as many: JSON
      with white space before it
    - `big`: answer correctly with a body of `bytes`
    - `truncate`: answer correctly, but close the connection after half of the body

    The last four have the effect of the request, of course. The others have it first if `afterEffect` is true.
    """

    do: str
    times: int = 1
    path: str | None = None
    after_effect: bool = False
    status: int = 503
    retry_after: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error":"This was ordered."}'
    location: str = "/"
    seconds: float = 0.05
    bytes: int = 0

    @classmethod
    def of_json(cls, value: Any) -> Misbehaviour:
        """One member of `next`. Raises RefusedError."""
        names = {_camel(name): name for name in cls.__dataclass_fields__}
        if not isinstance(value, dict) or not value.keys() <= names.keys():
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"A misbehaviour has the members {', '.join(names)}.")
        wanted = cls(**{names[name]: each for name, each in value.items() if name != "do"}, do=value.get("do", ""))
        if wanted.do not in ACTIONS and wanted.do not in REGULAR:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"do must be one of {', '.join([*REGULAR, *ACTIONS])}.")
        wanted.retry_after = None if wanted.retry_after is None else str(wanted.retry_after)
        return wanted

    @property
    def has_effect(self) -> bool:
        """Whether the request is to have its effect."""
        return self.after_effect or self.do in REGULAR


@dataclass
class Script:
    """The misbehaviours that are still to come, in order."""

    coming: list[Misbehaviour] = field(default_factory=list)

    def extend(self, wanted: dict[str, Any]) -> None:
        """Take the body of `POST /behaviour`: `{"next": [...]}`. Raises RefusedError, and then changes nothing."""
        if wanted.keys() != {"next"} or not isinstance(wanted["next"], list):
            raise RefusedError(HTTPStatus.BAD_REQUEST, 'The body must be {"next": [...]}.')
        self.coming += [Misbehaviour.of_json(each) for each in wanted["next"]]

    def take(self, path: str) -> Misbehaviour | None:
        """What is to happen to this request; None: it is answered correctly."""
        for each in self.coming:
            if each.path in (None, path):
                each.times -= 1
                if each.times <= 0:
                    self.coming.remove(each)
                return each
        return None


@dataclass(frozen=True)
class Connection:
    """The connection of the request, and the correct answer to it, if it had its effect."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    answer: Answer | None

    @property
    def body(self) -> bytes:
        return self.answer.body if self.answer else b""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def send_head(self, *, length: int) -> None:
        await self.send((self.answer or Answer(HTTPStatus.OK)).head(length=length))


async def _status(to: Connection, wanted: Misbehaviour) -> int:
    headers = dict(wanted.headers)
    if wanted.retry_after is not None:
        headers["Retry-After"] = wanted.retry_after
    answer = Answer(wanted.status, wanted.body.encode(), headers)
    await to.send(answer.head() + answer.body)
    return wanted.status


async def _redirect(to: Connection, wanted: Misbehaviour) -> int:
    answer = json_answer(HTTPStatus.FOUND, {}, Location=wanted.location)
    await to.send(answer.head() + answer.body)
    return answer.status


async def _hang(to: Connection, wanted: Misbehaviour) -> None:
    while await to.reader.read(CHUNK_BYTES):
        pass


async def _close(to: Connection, wanted: Misbehaviour) -> None:
    to.writer.close()


async def _reset(to: Connection, wanted: Misbehaviour) -> None:
    lingering = struct.pack("ii", 1, 0)
    to.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
    to.writer.transport.abort()


async def _not_json(to: Connection, wanted: Misbehaviour) -> int:
    answer = Answer(HTTPStatus.OK, b"<html><title>Sign in</title></html>")
    await to.send(answer.head() + answer.body)
    return answer.status


async def _not_http(to: Connection, wanted: Misbehaviour) -> None:
    await to.send(b"220 mail.example.com ESMTP\r\n")
    to.writer.close()


async def _delay(to: Connection, wanted: Misbehaviour) -> int:
    assert to.answer  # noqa: S101 - for mypy
    await to.send(to.answer.head() + to.answer.body)
    return to.answer.status


async def _drip(to: Connection, wanted: Misbehaviour) -> int:
    size = max(wanted.bytes, len(to.body))
    await to.send_head(length=size)
    for at in range(size):
        await asyncio.sleep(wanted.seconds)
        await to.send(to.body.rjust(size)[at : at + 1])
    return HTTPStatus.OK


async def _big(to: Connection, wanted: Misbehaviour) -> int:
    size = max(wanted.bytes, len(to.body))
    await to.send_head(length=size)
    left = size - len(to.body)
    while left:
        await to.send(b" " * min(left, CHUNK_BYTES))
        left -= min(left, CHUNK_BYTES)
    await to.send(to.body)
    return HTTPStatus.OK


async def _truncate(to: Connection, wanted: Misbehaviour) -> None:
    await to.send_head(length=len(to.body))
    await to.send(to.body[: len(to.body) // 2])
    to.writer.close()


Action = Callable[[Connection, Misbehaviour], Awaitable[int | None]]

#: Each returns the status that it has answered with; None: there was no whole answer, and the connection is over.
ACTIONS: Final[dict[str, Action]] = {
    "status": _status,
    "redirect": _redirect,
    "hang": _hang,
    "close": _close,
    "reset": _reset,
    "not-json": _not_json,
    "not-http": _not_http,
}
#: Those that do what the request wants.
REGULAR: Final[dict[str, Action]] = {"delay": _delay, "drip": _drip, "big": _big, "truncate": _truncate}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
