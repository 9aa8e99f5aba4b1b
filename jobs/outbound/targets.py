"""Where one request goes: the parts of a URL that a connection and a request line are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from jobs.outbound.urls import canonical_url, port_of, receiver_of

#: The longest URL of a call, in characters. Those of callbacks are shorter, because they are in an index.
LONGEST_CALLED_URL: Final = 16_000


@dataclass(frozen=True)
class Target:
    """A canonical URL, and whether its host is trusted: then any address will do."""

    url: str
    secure: bool
    host: str
    port: int
    #: The value of the header `Host`.
    netloc: str
    #: Path and query, as in the request line.
    path: str
    trusted: bool = False

    @classmethod
    def of(cls, url: str, *, trusted: bool = False) -> Target:
        """`url` is a canonical one."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return cls(url, parts.scheme == "https", parts.hostname or "", port_of(parts), parts.netloc, path, trusted)

    @classmethod
    def checked(cls, url: str, *, trusted: bool) -> Target:
        """The target of any text. Raises InvalidCallbackURLError if it is no URL, or not allowed unless trusted."""
        return cls.of(canonical_url(url, trusted=trusted, longest=LONGEST_CALLED_URL), trusted=trusted)

    @property
    def receiver(self) -> str:
        """The host with its port: `example.com:443`."""
        return receiver_of(self.url)
