"""What staff pages need to know about a payload. Only the kind understands it, so the kind answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.states import Level

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.utils.functional import _StrOrPromise

    from jobs.models import Job


@dataclass(frozen=True)
class TypeDefaults:
    """The dials that the class of a type sets itself; None leaves a dial to the queue."""

    rows_per_second: int | None = None
    pace: str | None = None
    statement_timeout_seconds: int | None = None
    database: str | None = None


@dataclass(frozen=True)
class Finding:
    """One answer, in words."""

    level: Level
    text: _StrOrPromise


class InvalidPayloadError(ValueError):
    """`errors` says what is wrong: `[{"pointer": "/parameters/year", "detail": "…"}]` (RFC 6901)."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['pointer']}: {error['detail']}" for error in errors))
        self.errors = errors


class Inspector:
    """Knows nothing of payloads. A kind's own subclass overrides what it can answer."""

    #: Whether attempts are counted for each type, in a time series of its own. Else for all types of the kind together.
    types_are_counted = True
    #: Whether `cost` knows anything, so that people are offered to ask.
    knows_cost = False

    #: Whether secrets are encrypted in the stored payloads of this kind.
    encrypts = False

    def type_of(self, payload: dict[str, Any]) -> str:
        """The type within the kind, such as the report type's identifier; stored in the job's `type`."""
        return ""

    def types(self) -> Collection[str]:
        """The types that there are, in order."""
        return ()

    def sensitive_names(self, payload: dict[str, Any]) -> Collection[str]:
        """Names of keys whose values are secrets, though the names do not say so."""
        return ()

    def validate(self, payload: Any, owner: AbstractBaseUser | None) -> dict[str, Any]:
        """The payload in its canonical form, as it is stored. Raises InvalidPayloadError by today's rules.

        `payload` has its secrets in clear (`jobs.payloads.sealing.unseal`).
        """
        if not isinstance(payload, dict):
            raise InvalidPayloadError([{"pointer": "", "detail": "The payload must be a JSON object."}])
        return payload

    def encrypted(self, payload: Any) -> dict[str, Any] | None:
        """A stored payload with its secrets encrypted with today's key; None where there is nothing to change.

        Raises SecretUnreadableError.
        """
        return None

    def schema(self, payload: dict[str, Any]) -> dict[str, Any] | None:
        """JSON Schema of what may be edited in the payload, for the person who edits it."""
        return None

    def dials(self, type: str) -> TypeDefaults:  # noqa: A002
        """What the type says itself about its dials; nothing where there is no such type."""
        return TypeDefaults()

    def findings(self, job: Job) -> Iterator[Finding]:
        """What speaks against running it again, from the kind's view: is its type still there, may its owner …"""
        yield from ()

    def announced(self, job: Job) -> dict[str, Any]:
        """The fields that a callback adds to the id and status of an ended job, such as links. No secrets."""
        return {}

    def cost(self, job: Job) -> str | None:
        """What it would cost the database, in words. Raises any exception when the database refuses the query.

        It may run code of the type: call it in a process of its own only, as `jobs.interventions.inquiries` does.
        """
        return None
