"""A request as a call type describes it, checked before anything is sent: what goes where, and whose limits count."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict
from urllib.parse import urlencode, urlsplit

from calls.steps import step_invalid
from calls.types import Host
from jobs.errors import PermanentError
from jobs.outbound.targets import LONGEST_CALLED_URL
from jobs.outbound.urls import ForbiddenURLError, InvalidCallbackURLError, canonical_url, receiver_of

if TYPE_CHECKING:
    from calls.types import CallType

#: How much of the default name of a step is kept. Characters.
LONGEST_DEFAULT_NAME: Final = 200
DEFAULT_PORTS: Final = (80, 443)


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


def merged(defaults: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The headers that are given, and the defaults of the others. Names ignore case (RFC 9110 section 5.1)."""
    named = {name.lower() for name in given}
    return {name: value for name, value in defaults.items() if name.lower() not in named} | dict(given)


def build_request(call_type: CallType, method: str, url: str, options: Options) -> Request:
    """The request, and whose limits it is under.

    Raises PermanentError `address-not-allowed`, `url-invalid`, or `step-invalid` if the body is not JSON.
    """
    try:
        return _build_request(call_type, method, url, options)
    except ForbiddenURLError:
        host = urlsplit(url).hostname
        raise PermanentError(f"Requests to {host} are not allowed.", code="address-not-allowed") from None
    except InvalidCallbackURLError as error:
        raise PermanentError(f"A URL of the call is not valid: {error}", code="url-invalid") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise step_invalid(f"A request is not valid: {error}") from None


def _build_request(call_type: CallType, method: str, url: str, options: Options) -> Request:
    params = options.get("params")
    if params:
        base, mark, fragment = url.partition("#")
        url = f"{base}{'&' if '?' in base else '?'}{urlencode(params, doseq=True)}{mark}{fragment}"
    url = canonical_url(url, trusted=True, longest=LONGEST_CALLED_URL)
    declared = declared_host(call_type, receiver_of(url))
    if declared is None:
        canonical_url(url, longest=LONGEST_CALLED_URL)
    body, headers = options.get("data", b""), {"Accept": "application/json"}
    if "json" in options:
        body, headers["Content-Type"] = dumps(options["json"], separators=(",", ":")), "application/json"
    body = body.encode() if isinstance(body, str) else body
    key, limits = declared or (usual_key(receiver_of(url)), None)
    return Request(method, url, merged(headers, options.get("headers", {})), body, key, limits)


def declared_host(call_type: CallType, receiver: str) -> tuple[str, Host] | None:
    """The key and the limits that the class declares for a `host:port`; None if it names neither host nor port.

    A host without a port stands for the ports of http and https.
    """
    keys = dict.fromkeys((receiver, usual_key(receiver)))
    return next(((key, call_type.hosts[key]) for key in keys if key in call_type.hosts), None)


def usual_key(receiver: str) -> str:
    """The key of a host in `CallType.hosts`: without the port, if that is the one of http or https."""
    host, _, port = receiver.rpartition(":")
    return host if int(port) in DEFAULT_PORTS else receiver
