"""The registry of error codes: what each means, what to do about it, and whether to retry.

`jobs.api.error_codes` and `jobs.failure_codes` register the codes of this app; an app with report types may register
those of its own `PermanentError`s. docs/api.md and `/api/errors` show all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Source(StrEnum):
    """Where a client meets the code."""

    #: In a response with this status.
    RESPONSE = "response"
    #: In the `error` of a failed job. A preview that gets the same error answers 422 with this code.
    JOB = "job"

    @property
    def heading(self) -> str:
        """The heading of the codes where they are listed."""
        return "Codes of responses" if self is Source.RESPONSE else "Codes of failed jobs"


class Retry(StrEnum):
    """Whether the same request or job may succeed if it is repeated."""

    NO = "no"
    CHANGED = "once changed"
    AFTER = "after `Retry-After`"
    YES = "yes"
    #: A failed job: it was retried automatically, as often as its kind allows.
    TRIED = "automatic; then yes"


@dataclass(frozen=True)
class ErrorCode:
    """One row of the catalogue. `when` and `remedy` are sentences for a client's developer, in Markdown."""

    code: str
    status: int
    title: str
    when: str
    remedy: str
    retry: Retry


_known: Final[dict[Source, dict[str, ErrorCode]]] = {source: {} for source in Source}


def register_error_codes(source: Source, codes: Iterable[ErrorCode]) -> None:
    """Add these to the catalogue. Raises ValueError if a code is registered twice with different rows."""
    for code in codes:
        if _known[source].setdefault(code.code, code) != code:
            raise ValueError(f"the error code {code.code} is registered twice for a {source}")


def error_codes(source: Source) -> list[ErrorCode]:
    """All codes of this source, by status and then by name."""
    return sorted(_known[source].values(), key=lambda known: (known.status, known.code))


def title_of(code: str) -> str | None:
    """The title of the problem type; None if the code is not registered."""
    known = next((codes[code] for codes in _known.values() if code in codes), None)
    return known.title if known else None
