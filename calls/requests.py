"""Requests of a call: each is a step, and waits for its host's turn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from json import dumps
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict
from urllib.parse import urlencode, urlsplit

from calls.answers import Answer, judge, unanswered
from calls.hosts.closing import close_host
from calls.hosts.turns import Turn, taking_turn
from calls.hosts.waiting import CLOSED
from calls.shown import Shown
from calls.steps import Facts
from calls.types import Host
from jobs.errors import PermanentError, PostponedError
from jobs.outbound.errors import UnansweredError
from jobs.outbound.exchange import Exchange
from jobs.outbound.responses import Response
from jobs.outbound.retry_hints import rate_limit_seconds
from jobs.outbound.targets import LONGEST_CALLED_URL
from jobs.outbound.urls import ForbiddenURLError, InvalidCallbackURLError, canonical_url, receiver_of
from jobs.payloads.masked import secret_names, secrets_of
from jobs.postgres.pooling import release_connection

if TYPE_CHECKING:
    from calls.call import Call
    from calls.types import CallType

__all__ = ["Answer", "Options", "Requests"]

USER_AGENT: Final = "Longhaul-Calls/1"
#: How much of the default name of a step is kept. Characters.
LONGEST_DEFAULT_NAME: Final = 200
DEFAULT_PORTS: Final = (80, 443)
#: How long a host is closed that answers 429 and does not say for how long. Seconds.
PAUSE_SECONDS: Final = 10.0
TOO_MANY, SERVER_ERRORS, UNAVAILABLE = 429, 500, 503


class Options(TypedDict, total=False):
    """What can be said about a request.

    `params` are added to the query of the URL. The body is `json`, or `data` as it is. The step is called `name`; by
    default after the method, host and path, with a number if that is repeated. With `expect="json"`, the default, the
    body of a successful answer must be JSON or empty. Statuses in `accept` are answers, as those from 200 to 299 are.
    Timeouts in seconds, and the largest body in bytes, are those of the call type unless given.
    """

    params: Mapping[str, Any]
    json: Any
    data: bytes | str
    headers: Mapping[str, str]
    name: str
    expect: Literal["json", "any"]
    accept: Collection[int]
    timeout_seconds: float
    connect_timeout_seconds: float
    max_body_bytes: int


@dataclass(frozen=True)
class Request:
    """A request as it is sent, without its idempotency key."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    #: The key under which the limits of its host are kept, and the limits that the class declares; None: none.
    host_key: str
    declared: Host | None

    @property
    def host(self) -> str:
        """The name of the host, for messages."""
        return urlsplit(self.url).hostname or ""

    @property
    def name(self) -> str:
        """The default name of its step."""
        parts = urlsplit(self.url)
        return f"{self.method} {parts.netloc}{parts.path}"[:LONGEST_DEFAULT_NAME]

    @property
    def fingerprint(self) -> list[str]:
        """What tells it from others. Headers do not count: a credential may be renewed between two attempts."""
        return [self.method, self.url, sha256(self.body).hexdigest()]


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

        name = options.get("name") or self._call.numbered(request.name)
        return Answer.from_json(self._call.run_step(name, send_once, fingerprint=request.fingerprint))

    def _exchange(self, request: Request, key: str, facts: Facts, options: Options) -> Response:
        context, call_type = self._call.shared.context, self._call.shared.call_type
        headers = {"User-Agent": USER_AGENT, "Idempotency-Key": key, **request.headers}
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
                is_trusted=lambda receiver: declared_host(call_type, receiver) is not None,
            )
            most = options.get("max_body_bytes", call_type.max_body_bytes)
            try:
                with context.interruptible(exchange.abort):
                    response = exchange.send(request.method, request.body, headers, max_body_bytes=most)
            except UnansweredError as error:
                context.check()  # raises if the attempt was stopped: then the host is not to blame
                turn.fail(str(error))
                raise unanswered(error) from None
            facts.answer = shown.answer(response.status, response.headers, response.body)
            heed(response, turn, request)
            return response


def heed(response: Response, turn: Turn, request: Request) -> None:
    """Do to the host what its response says about it.

    429, and 503 with a time, close it for everybody until then, and PostponedError is raised. A success whose
    `RateLimit` says that nothing remains closes it, too. Another 5xx counts as a failure of the host.
    """
    wait = response.retry_after_seconds
    if response.status == TOO_MANY or (response.status == UNAVAILABLE and wait is not None):
        seconds = PAUSE_SECONDS if wait is None else wait
        said = f"{request.host} answered {response.status_line}."
        close_host(request.host_key, seconds=seconds, reason=said)
        raise PostponedError(said, public=CLOSED, delay=timedelta(seconds=seconds))
    if response.status >= SERVER_ERRORS:
        turn.fail(f"{request.host} answered {response.status_line}.")
        return
    turn.succeed()
    exhausted = rate_limit_seconds(response.headers.get("RateLimit"))
    if exhausted:
        close_host(request.host_key, seconds=exhausted, reason=f"The quota of {request.host} is used up.")


def build_request(call_type: CallType, method: str, url: str, options: Options) -> Request:
    """The request, and whose limits it is under. Raises PermanentError `address-not-allowed` or `url-invalid`."""
    params = options.get("params")
    if params:
        base, mark, fragment = url.partition("#")
        url = f"{base}{'&' if '?' in base else '?'}{urlencode(params, doseq=True)}{mark}{fragment}"
    try:
        url = canonical_url(url, trusted=True, longest=LONGEST_CALLED_URL)
        declared = declared_host(call_type, receiver_of(url))
        if declared is None:
            canonical_url(url, longest=LONGEST_CALLED_URL)
    except ForbiddenURLError:
        raise PermanentError(
            f"Requests to {urlsplit(url).hostname} are not allowed.", code="address-not-allowed"
        ) from None
    except InvalidCallbackURLError as error:
        raise PermanentError(f"A URL of the call is not valid: {error}", code="url-invalid") from None
    body, headers = options.get("data", b""), {"Accept": "application/json"}
    if "json" in options:
        body, headers["Content-Type"] = dumps(options["json"], separators=(",", ":")), "application/json"
    body = body.encode() if isinstance(body, str) else body
    key, limits = declared or (receiver_of(url), None)
    return Request(method, url, {**headers, **options.get("headers", {})}, body, key, limits)


def declared_host(call_type: CallType, receiver: str) -> tuple[str, Host] | None:
    """The key and the limits that the class declares for a `host:port`; None if it names neither host nor port.

    A host without a port stands for the ports of http and https.
    """
    host, _, port = receiver.rpartition(":")
    keys = (receiver, host) if int(port) in DEFAULT_PORTS else (receiver,)
    return next(((key, call_type.hosts[key]) for key in keys if key in call_type.hosts), None)
