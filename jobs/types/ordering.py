"""Validate an order and submit its job. The API and the pages of every kind use this."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from django.db.models.functions import Now
from django.utils import translation
from rest_framework import serializers

from jobs.dispatch.idempotency import Idempotency, job_of_first_request, keep_reused
from jobs.dispatch.submission import submit_job
from jobs.http.strict import StrictBooleanField, StrictCharField, StrictSerializer, refuse_unknown
from jobs.models import Job
from jobs.payloads.masking import mask
from jobs.payloads.sealing import seal, unseal
from jobs.payloads.search import same_work_term
from jobs.postgres.statements import planned_again
from jobs.states import ACTIVE
from jobs.status import is_available
from jobs.types.base import JobType
from jobs.types.callback_fields import CallbackURLField
from jobs.types.canonical import canonical
from jobs.types.registry import TypeRegistry
from jobs.types.secret_parameters import is_secret_field, secret_names
from jobs.webhooks.announcing import add_callback
from jobs.webhooks.default_url import default_url

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

T = TypeVar("T", bound=JobType)

#: How many equal jobs are examined in search of one to reuse.
MOST_EQUAL: Final = 5


class Order(StrictSerializer):
    """The body of an order. A kind adds a field for the type, and then its own fields."""

    parameters = serializers.DictField(default=dict)
    callbackURL = CallbackURLField(
        required=False,
        allow_null=True,
        help_text="The URL to notify when the job ends; null: none. If omitted, the URL in your settings is used.",
    )
    reuse = StrictBooleanField(
        default=False,
        help_text="Reuse an identical order of yours that is in progress or was placed recently, if there is one.",
    )

    #: Members that are not stored in the job, so that equal jobs have equal payloads.
    NOT_KEPT: ClassVar = frozenset({"callbackURL", "reuse"})

    def get_fields(self) -> dict[str, Any]:
        """The fields in the order of the documentation: type, parameters, those of the kind, those of all orders."""
        fields = super().get_fields()
        own = [name for name in fields if name not in ("parameters", *self.NOT_KEPT)]
        return {name: fields[name] for name in (*own[:1], "parameters", *own[1:], "callbackURL", "reuse")}


@dataclass(frozen=True)
class Placed:
    """The job of an order: a new one, that of the first request with the same key, or an equal one that is reused."""

    job: Job
    is_replayed: bool = False
    is_reused: bool = False


class Ordering(Generic[T]):
    """Turns orders of one kind into jobs. A kind subclasses this and creates one instance."""

    types: ClassVar[TypeRegistry[Any]]
    #: The body of an order. The default has no fields of the kind except its type.
    Order: ClassVar[type[Order]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not hasattr(cls, "Order"):
            of_type = {cls.types.member: StrictCharField(max_length=100)}
            cls.Order = type(f"{cls.types.kind.capitalize()}Order", (Order,), of_type)

    def further_members(self, job_type: T, order: dict[str, Any]) -> dict[str, Any]:
        """The kind's own members of the payload of a valid order. May raise ValidationError, as `place_order` does."""
        return {}

    def place_order(self, *, owner: AbstractBaseUser, data: Any, idempotency: Idempotency | None = None) -> Placed:
        """Validate and submit an order, unless the same request already did, or an equal job can be reused.

        `data` is the parsed body. Raises DRF's ValidationError, whose `detail` mirrors `data`; UnknownTypeError; and
        the errors of `job_of_first_request` and `submit_job`.
        """
        return planned_again(partial(self._place_order, owner, data, idempotency))

    def _place_order(self, owner: AbstractBaseUser, data: Any, idempotency: Idempotency | None) -> Placed:
        with job_of_first_request(owner=owner, idempotency=idempotency) as first:
            if first is not None:
                return Placed(first, is_replayed=True)
            order = self._validated(data)
            job_type, payload = self._payload(order, owner)
            if order["reuse"] and (equal := self._find_reusable(owner, job_type, payload)):
                if (url := order["callbackURL"] if "callbackURL" in order else default_url(owner)) is not None:
                    add_callback(equal.pk, url=url)
                keep_reused(equal, owner=owner, idempotency=idempotency)
                return Placed(equal, is_reused=True)
            return Placed(self.submit(job_type, payload, order, owner=owner, idempotency=idempotency))

    def submit(self, job_type: T, payload: dict[str, Any], order: dict[str, Any], **facts: Any) -> Job:
        """Submit the job of a valid order; `facts` and the errors raised are those of `submit_job`.

        If the order has no `callbackURL`, the URL in the owner's settings counts; if it is null, no URL does.
        """
        return submit_job(
            kind=self.types.kind,
            queue=self.types.queue_of(job_type),
            payload=payload,
            callback_url=order.get("callbackURL"),
            owners_callback="callbackURL" not in order,
            **facts,
        )

    def valid_payload(self, *, owner: AbstractBaseUser, data: Any) -> tuple[T, dict[str, Any]]:
        """The ordered type, and the payload for the job in canonical form, with sealed secrets.

        Raises DRF's ValidationError or UnknownTypeError.
        """
        return self._payload(self._validated(data), owner)

    def find_equal(self, *, owner: AbstractBaseUser, data: Any) -> Job | None:
        """The job that this order would reuse, if any. Raises the errors of `valid_payload`."""
        job_type, payload = self.valid_payload(owner=owner, data=data)
        return self._find_reusable(owner, job_type, payload)

    def reopen_order(self, payload: dict[str, Any], owner: AbstractBaseUser) -> tuple[T, dict[str, Any]]:
        """The type and the parameters of a job's payload, validated again, with decrypted secrets.

        Raises UnknownTypeError (also if the owner may no longer order the type), SecretUnreadableError, or DRF's
        ValidationError.
        """
        job_type: T = self.types.get(payload[self.types.member], owner)
        serializer = job_type.Parameters(data=unseal(payload["parameters"]))
        serializer.is_valid(raise_exception=True)
        return job_type, serializer.validated_data

    def shown_parameters(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The parameters of an order as its owner sees them, with `***` for each secret."""
        job_type = self.types.find(str(payload[self.types.member]))
        named = secret_names(type(job_type)) if job_type else ()
        shown: dict[str, Any] = mask(payload["parameters"], named)
        return shown

    def has_result(self, job: Job) -> bool:
        """Whether an equal order can use the result of this ended job, which comes from `JobQuerySet.with_result`.

        Here the result is a file, which must be available and undamaged.
        """
        artifact = job.result_artifact
        return artifact is not None and is_available(artifact) and artifact.damaged_at is None

    def _validated(self, data: Any) -> dict[str, Any]:
        order = self.Order(data=data)
        order.is_valid(raise_exception=True)
        validated: dict[str, Any] = order.validated_data
        return validated

    def _payload(self, order: dict[str, Any], owner: AbstractBaseUser) -> tuple[T, dict[str, Any]]:
        job_type: T = self.types.get(order[self.types.member], owner)
        parameters = valid_parameters(job_type, order["parameters"])
        return job_type, {
            self.types.member: job_type.identifier,
            "parameters": seal(parameters, partial(is_secret_field, type(job_type))),
            **self.further_members(job_type, order),
            "language": translation.get_language(),
        }

    def _find_reusable(self, owner: AbstractBaseUser, job_type: T, payload: dict[str, Any]) -> Job | None:
        """The newest recent equal job of `owner` that is active or whose result can be used."""
        equal = Job.objects.owned_by(owner).filter(
            kind=self.types.kind,
            search_terms__terms__contains=[same_work_term(self.types.kind, payload)],
            created_at__gte=Now() - job_type.reusable_for,
            cancel_requested_at=None,
        )
        for job in equal.with_result().order_by("-pk")[:MOST_EQUAL]:
            if job.state in ACTIVE or self.has_result(job):
                return job
        return None


def valid_parameters(job_type: JobType, data: dict[str, Any]) -> dict[str, Any]:
    """The canonical JSON of the parameters, with secrets in clear. Raises ValidationError under `parameters`."""
    serializer = job_type.Parameters(data=data)
    try:
        refuse_unknown(data, serializer.fields)
        serializer.is_valid(raise_exception=True)
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"parameters": error.detail}) from None
    return canonical(serializer, serializer.validated_data, data)
