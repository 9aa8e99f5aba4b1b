"""Requests of a call: each is a step, and waits for its host's turn."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.db import DatabaseError, InterfaceError, connections

from calls.answers import Answer, judge, unanswered
from calls.building import Options, Request, build_request, declared_host, merged
from calls.hosts.closing import close_host
from calls.hosts.turns import Turn, taking_turn
from calls.hosts.waiting import CLOSED
from calls.shown import Shown
from calls.steps import Facts, step_invalid
from jobs.errors import PostponedError, RetryableError
from jobs.outbound.errors import UnansweredError
from jobs.outbound.exchange import Exchange
from jobs.outbound.responses import Response
from jobs.outbound.retry_hints import rate_limit_seconds
from jobs.payloads.masked import secret_names, secrets_of
from jobs.payloads.redaction import redact
from jobs.postgres.pooling import release_connection

if TYPE_CHECKING:
    from calls.call import Call

__all__ = ["Answer", "Options", "Requests"]

logger = structlog.get_logger(__name__)

USER_AGENT: Final = "Longhaul-Calls/1"
#: How long a host is closed that answers 429 and does not say for how long. Seconds.
PAUSE_SECONDS: Final = 10.0
TOO_MANY, SERVER_ERRORS, UNAVAILABLE = 429, 500, 503


class Requests:
    """Sends the requests of one scope of a call."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def send(self, method: str, url: str, options: Options) -> Answer:
        """Send a request once, and return its answer, also in later attempts.

        The header `Idempotency-Key` is the key of the step. Redirects of a GET are followed.

        Raises PostponedError while the host is closed, and if it answers 429, or 503 with a time; RetryableError
        `remote-failed` (other 5xx, or not JSON) or `remote-unanswered`; PermanentError `remote-refused` (any other
        status), `answer-too-large`, `address-not-allowed` or `url-invalid`; and what `Call.step` raises.
        """
        request = build_request(self._call.shared.call_type, method, url, options)

        def send_once(key: str, facts: Facts) -> dict[str, Any]:
            response = self._exchange(request, key, facts, options)
            expect, accept = options.get("expect", "json"), options.get("accept", ())
            return judge(response, host=request.host, expect=expect, accept=accept).as_json()

        secrets = secrets_of(self._call.shared.context.job)
        name = options.get("name") or self._call.numbered(redact(request.name, secrets))
        return Answer.from_json(self._call.run_step(name, send_once, fingerprint=request.fingerprint))

    def _exchange(self, request: Request, key: str, facts: Facts, options: Options) -> Response:
        context, call_type = self._call.shared.context, self._call.shared.call_type
        headers = merged({"User-Agent": USER_AGENT, "Idempotency-Key": key}, request.headers)
        shown = Shown(named=secret_names(context.job.kind, context.job.payload), secrets=secrets_of(context.job))
        facts.request = shown.request(request.method, request.url, headers, request.body)
        with taking_turn(context, request.host_key, request.declared) as turn:
            facts.waited_seconds = turn.waited_seconds
            release_connection()
            exchange = Exchange(
                request.url,
                timeout_seconds=options.get("timeout_seconds", call_type.timeout_seconds),
                connect_timeout_seconds=options.get("connect_timeout_seconds", call_type.connect_timeout_seconds),
                trusted=request.declared is not None,
                follow_redirects=True,
                # Only a trusted host may redirect to another one: anybody could to a private address.
                is_trusted=lambda receiver: bool(request.declared and declared_host(call_type, receiver)),
            )
            most = options.get("max_body_bytes", call_type.max_body_bytes)
            try:
                with context.interruptible(exchange.abort):
                    response = exchange.send(request.method, request.body, headers, max_body_bytes=most)
            except UnansweredError as error:
                context.check()  # raises if the attempt was stopped: then the host is not to blame
                failure = unanswered(error)
                if isinstance(failure, RetryableError):
                    turn.fail(str(error))  # a refusal of ours says nothing of the host
                raise failure from None
            except ValueError as error:
                raise step_invalid(f"A request is not valid: {error}") from None
            facts.answer = shown.answer(response.status, response.headers, response.body)
            heed(response, turn, request, accept=options.get("accept", ()))
            return response


def heed(response: Response, turn: Turn, request: Request, *, accept: Collection[int]) -> None:
    """Do to the host what its response says about it.

    429, and 503 with a time, close it for everybody until then, and PostponedError is raised unless the status is in
    `accept`. A success whose `RateLimit` says that nothing remains closes it, too. Another 5xx counts as a failure.
    """
    wait = response.retry_after_seconds
    if response.status == TOO_MANY or (response.status == UNAVAILABLE and wait is not None):
        said = f"{request.host} answered {response.status_line}."
        seconds = close(request, PAUSE_SECONDS if wait is None else wait, said)
        if response.status in accept:
            return
        raise PostponedError(said, public=CLOSED, delay=timedelta(seconds=seconds))
    if response.status >= SERVER_ERRORS:
        turn.fail(f"{request.host} answered {response.status_line}.")
        return
    turn.succeed()
    exhausted = rate_limit_seconds(response.headers.get("RateLimit"))
    if exhausted:
        close(request, exhausted, f"The quota of {request.host} is used up.")


def close(request: Request, seconds: float, reason: str) -> float:
    """Close the host, and return for how many seconds. While PostgreSQL is away, it stays open: the answer counts more.

    It will say the same again.
    """
    try:
        return close_host(request.host_key, seconds=seconds, reason=reason)
    except (DatabaseError, InterfaceError) as error:
        connections.close_all()
        logger.warning("host_not_closed", host=request.host_key, error=repr(error))
        return min(seconds, PAUSE_SECONDS)
