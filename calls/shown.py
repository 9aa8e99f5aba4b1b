"""What staff see of a request and its answer: abbreviated, and without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from jobs.payloads.masking import MASK, is_sensitive, mask
from jobs.payloads.redaction import redact

#: How much of a body is kept. Characters.
LONGEST_BODY: Final = 2_000
#: Only this much of a body is searched for secrets and cut from. Characters.
LONGEST_READ: Final = 64_000
#: Headers of answers that say something to staff.
HEADERS_SHOWN: Final = frozenset(
    {"content-type", "content-length", "date", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id", "server"}
)
#: Headers of requests whose values are shown. Each service has its own name for the one with the credential.
HEADERS_SENT: Final = frozenset(
    {
        "accept", "accept-language", "content-type", "idempotency-key", "if-match", "if-modified-since",
        "if-none-match", "if-unmodified-since", "prefer", "range", "user-agent",
    }
)  # fmt: skip
#: Names of parameters of a query that are credentials, beside those that all kinds know.
_CREDENTIAL: Final = re.compile(r"(?i)(?:^|[_-])(?:key|sig|signature|auth)$")


class Shown:
    """Hides the secrets of one call: its secret parameters, and values whose names sound like secrets.

    `named` are further names of secrets, and `secrets` their values as texts.
    """

    def __init__(self, *, named: Collection[str], secrets: Collection[str]) -> None:
        self._named, self._secrets = named, secrets

    def url(self, url: str) -> str:
        """The URL with `***` in place of each secret in its query."""
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        query = urlencode([(name, MASK if self._hides(name) else value) for name, value in pairs], safe="*")
        return self._redacted(urlunsplit(parts._replace(query=query)))

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """`method`, `url`, `headers`, and `body` if there is one."""
        sent = {
            name: self._redacted(value) if name.lower() in HEADERS_SENT else MASK for name, value in headers.items()
        }
        return {"method": method, "url": self.url(url), "headers": sent, **self._body(body)}

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """`status`, the `headers` that say something, `bytes`, and the beginning of the `body` if there is one."""
        kept = {name: self._redacted(headers[name]) for name in headers if name.lower() in HEADERS_SHOWN}
        return {"status": status, "headers": kept, "bytes": len(body), **self._body(body)}

    def _body(self, body: bytes) -> dict[str, str]:
        if not body:
            return {}
        text = body[:LONGEST_READ].decode(errors="replace")
        if len(body) <= LONGEST_READ:
            with suppress(ValueError, RecursionError):
                text = json.dumps(mask(json.loads(text), self._named), ensure_ascii=False)
        shown = self._redacted(text)
        return {"body": shown if len(shown) <= LONGEST_BODY else f"{shown[:LONGEST_BODY]}…"}

    def _hides(self, name: str) -> bool:
        return is_sensitive(name, self._named) or _CREDENTIAL.search(name) is not None

    def _redacted(self, text: str) -> str:
        return redact(text, self._secrets)
