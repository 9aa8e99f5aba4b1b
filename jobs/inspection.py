"""Facts about a payload for pages of the staff. Only the kind understands it, so each kind provides an `Inspector`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.states import Level

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.utils.functional import _StrOrPromise

    from jobs.models import Job


@dataclass(frozen=True)
class TypeDefaults:
    """The dials that the class of a type sets; None leaves a dial to the queue."""

    rows_per_second: int | None = None
    pace: str | None = None
    statement_timeout_seconds: int | None = None
    database: str | None = None


@dataclass(frozen=True)
class Finding:
    """One result of a check, as a sentence."""

    level: Level
    text: _StrOrPromise


@dataclass(frozen=True)
class Related:
    """Another job that belongs to the same story, for the page of a job. `relation` and `facts` are words."""

    job: Job
    relation: str
    facts: str


class InvalidPayloadError(ValueError):
    """`errors` lists what is wrong: `[{"pointer": "/parameters/year", "detail": "…"}]` (RFC 6901)."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['pointer']}: {error['detail']}" for error in errors))
        self.errors = errors


class Inspector:
    """Knows nothing about payloads. A subclass of a kind overrides the methods that it can answer."""

    #: Whether metrics count the attempts of each type separately, or those of all types of the kind together.
    types_are_counted = True
    #: Whether `cost` is implemented, so that pages offer it.
    knows_cost = False
    #: Whether secrets are encrypted in the stored payloads of this kind.
    encrypts = False

    def type_of(self, payload: dict[str, Any]) -> str:
        """The type within the kind, such as the report type's identifier; stored in the job's `type`."""
        return ""

    def types(self) -> Collection[str]:
        """All types, in order."""
        return ()

    def sensitive_names(self, payload: dict[str, Any]) -> Collection[str]:
        """Names of keys whose values are secrets although their names do not show it."""
        return ()

    def validate(self, payload: Any, owner: AbstractBaseUser | None) -> dict[str, Any]:
        """The payload in its canonical form, as it is stored. Raises InvalidPayloadError by the current rules.

        `payload` has its secrets in clear (`jobs.payloads.sealing.unseal`).
        """
        if not isinstance(payload, dict):
            raise InvalidPayloadError([{"pointer": "", "detail": "The payload must be a JSON object."}])
        return payload

    def encrypted(self, payload: Any) -> dict[str, Any] | None:
        """A stored payload with its secrets encrypted with the current key; None if nothing changes.

        Raises SecretUnreadableError.
        """
        return None

    def schema(self, payload: dict[str, Any]) -> dict[str, Any] | None:
        """The JSON Schema of what people may edit in the payload."""
        return None

    def dials(self, type: str) -> TypeDefaults:  # noqa: A002
        """The dials that the type sets itself; no dials if there is no such type."""
        return TypeDefaults()

    def findings(self, job: Job) -> Iterator[Finding]:
        """Reasons of the kind against running the job again, such as a missing type or an owner without permission."""
        yield from ()

    def title(self, job: Job) -> str:
        """What the job is called where its owner reads about it, in the active language."""
        return self.type_of(job.payload) or job.kind

    def may_order_again(self, job: Job) -> bool:
        """Whether the owner may still order the job's type."""
        return True

    def announced(self, job: Job) -> dict[str, Any]:
        """The fields that a callback adds to the id and status of an ended job, such as links. No secrets."""
        return {}

    def related(self, job: Job) -> tuple[str, Sequence[Related]]:
        """The jobs that belong together with this one, and a sentence about all of them; empty if there are none."""
        return "", ()

    def cost(self, job: Job) -> str | None:
        """What the job would cost the database, in words. Raises any exception if the database refuses the query.

        It may run code of the type, so call it only in a separate process, as `jobs.interventions.inquiries` does.
        """
        return None
