"""Information about the payload of a job with a type, for staff pages."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from django.urls import reverse
from django.utils import translation
from rest_framework import serializers

from jobs.errors import SecretUnreadableError
from jobs.http.problems import pointers
from jobs.http.strict import refuse_unknown
from jobs.inspection import Finding, Inspector, InvalidPayloadError, TypeDefaults
from jobs.kinds import get_kind
from jobs.models import Job
from jobs.payloads.masking import is_sensitive
from jobs.payloads.sealing import is_out_of_date, seal, unseal
from jobs.states import Level, State
from jobs.types.base import JobType
from jobs.types.json_schema import serializer_schema
from jobs.types.ordering import Ordering
from jobs.types.registry import UnknownTypeError
from jobs.types.secret_parameters import secret_names

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

T = TypeVar("T", bound=JobType)


class TypedInspector(Inspector, Generic[T]):
    """The payload is an order: the identifier of its type, `parameters`, `language`, and the kind's own members."""

    encrypts = True

    def __init__(self, ordering: Ordering[T]) -> None:
        self.ordering, self.registry = ordering, ordering.types

    def type_of(self, payload: dict[str, Any]) -> str:
        """The identifier of the type."""
        return str(payload.get(self.registry.member, "")) if isinstance(payload, dict) else ""

    def types(self) -> Collection[str]:
        """The identifiers of all types."""
        return [job_type.identifier for job_type in self.registry.all()]

    def sensitive_names(self, payload: dict[str, Any]) -> Collection[str]:
        """The secret parameters of the type. Raises UnknownTypeError."""
        job_type = self._find(payload)
        if job_type is None:
            raise UnknownTypeError(self.type_of(payload))
        return secret_names(type(job_type))

    def validate(self, payload: Any, owner: AbstractBaseUser | None) -> dict[str, Any]:
        """Validate the payload like a new order, and return its canonical form with sealed secrets."""
        payload = super().validate(payload, owner)
        order = {name: value for name, value in payload.items() if name != "language"}
        try:
            refuse_unknown(order, self.ordering.Order().fields.keys() - self.ordering.Order.NOT_KEPT)
            with translation.override(payload.get("language") or translation.get_language()):  # some values are texts
                _, canonical = self.ordering.valid_payload(owner=cast("AbstractBaseUser", owner), data=order)
        except serializers.ValidationError as error:
            raise InvalidPayloadError(list(pointers(error.detail, ""))) from None
        except UnknownTypeError:
            detail = f"There is no such {self.registry.kind} type, or the owner of the job may not order it."
            raise InvalidPayloadError([{"pointer": f"/{self.registry.member}", "detail": detail}]) from None
        del canonical["language"]
        return canonical | {name: payload[name] for name in ("language",) if name in payload}

    def encrypted(self, payload: Any) -> dict[str, Any] | None:
        """The payload with newly encrypted secret parameters; None if their encryption is up to date."""
        if not isinstance(payload, dict) or "parameters" not in payload:
            return None
        job_type = self._find(payload)
        is_secret = partial(is_sensitive, named=secret_names(type(job_type)) if job_type else ())
        if not is_out_of_date(payload["parameters"], is_secret):
            return None
        return {**payload, "parameters": seal(unseal(payload["parameters"]), is_secret)}

    def schema(self, payload: dict[str, Any]) -> dict[str, Any] | None:
        """The JSON Schema of the parameters, and of the other objects in an order of this kind."""
        job_type = self._find(payload)
        if job_type is None:
            return None
        parts = {"parameters": serializer_schema(job_type.Parameters())}
        for name, field in self.ordering.Order().fields.items():
            if isinstance(field, serializers.Serializer):
                parts[name] = serializer_schema(type(field)())
        return {"type": "object", "properties": parts}

    def dials(self, type: str) -> TypeDefaults:  # noqa: A002
        """The dials that the type's class sets."""
        job_type = self.registry.find(type)
        return job_type.dials if job_type else TypeDefaults()

    def findings(self, job: Job) -> Iterator[Finding]:
        """Whether the type still exists, the owner may still order it, and the parameters are still valid."""
        if problem := self._problem(job):
            yield Finding(Level.WILL_FAIL, problem)
            return
        name = self.type_of(job.payload)
        yield Finding(Level.OK, f"{name} exists, its owner may order it, and its parameters are still valid.")

    def _problem(self, job: Job) -> str:
        kind, identifier = self.registry.kind, self.type_of(job.payload)
        job_type = self.registry.find(identifier)
        if job_type is None:
            return f"The {kind} type {identifier} no longer exists."
        if job.owner is None:
            return f"The job has no owner, which the kind {kind} requires."
        if not job_type.may_order(job.owner):
            return f"The owner may no longer order {identifier}."
        try:
            self.validate(unseal(job.payload), job.owner)
        except SecretUnreadableError:
            return (
                "A secret parameter can no longer be decrypted, because SECRET_KEY was replaced. Add the former key "
                "to SECRET_KEY_FALLBACKS, or edit the payload and enter the secret again."
            )
        except InvalidPayloadError as error:
            return f"Its payload is no longer valid: {error}"
        return ""

    def title(self, job: Job) -> str:
        """The title of the type; its identifier if the type no longer exists."""
        job_type = self._find(job.payload)
        return str(job_type.title) if job_type else self.type_of(job.payload)

    def may_order_again(self, job: Job) -> bool:
        """Whether the type still exists, and its `may_order` allows the owner."""
        job_type = self._find(job.payload)
        return job_type is not None and job.owner is not None and job_type.may_order(job.owner)

    def announced(self, job: Job) -> dict[str, Any]:
        """The type, the URL of the status and, for a complete job, that of the result, named as in the status."""
        kind = self.registry.kind
        status_url = reverse(f"{kind}-status", args=[job.pk])
        members: dict[str, Any] = {self.registry.member: self.type_of(job.payload), "statusURL": status_url}
        if job.state == State.SUCCEEDED and (url := get_kind(kind).url_of_result(job)):
            members[f"{kind}URL"] = url
        return members

    def _find(self, payload: dict[str, Any]) -> T | None:
        return self.registry.find(self.type_of(payload))
