"""The response of a server, as the rooms above see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

#: How much of the body of an unsuccessful response the staff see.
MAX_EXCERPT_BYTES: Final = 500


class Headers(Mapping[str, str]):
    """All headers of a response. Names ignore case and are in lower case when iterated over.

    The value of a name that occurs more than once is joined with commas (RFC 9110 section 5.3); `get_all` separates
    them, which `Set-Cookie` needs.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._values[name.lower()])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._values)})"  # values may be secret

    def get_all(self, name: str) -> tuple[str, ...]:
        """Each value, in the order of the response."""
        return tuple(self._values.get(name.lower(), ()))


@dataclass(frozen=True)
class Response:
    """The response of a server, with the delay that it asked for.

    `excerpt` is the beginning of the body of an unsuccessful response, as printable text for the staff.
    """

    status: int
    retry_after_seconds: float | None = None
    excerpt: str = ""
    headers: Headers = field(default_factory=Headers, compare=False, repr=False)
    #: The whole body, decoded. Empty if only an excerpt was asked for.
    body: bytes = field(default=b"", repr=False)

    @property
    def status_line(self) -> str:
        """`404 Not Found`; only the number if the status is unknown."""
        with suppress(ValueError):
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        return str(self.status)

    @property
    def is_successful(self) -> bool:
        """Whether the status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def excerpt_of(body: bytes) -> str:
    """The beginning of a body, with a space in place of each character that could disturb a terminal or a page."""
    text = body[:MAX_EXCERPT_BYTES].decode(errors="replace")
    return "".join(character if character.isprintable() else " " for character in text)
