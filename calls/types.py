"""The base class of call types. To call a slow external API from workers, a developer writes one subclass.

    @register
    class EnrichCompany(CallType):
        identifier = "enrich-company"
        title = _("Enrich a company")
        hosts = {"api.registry.example": Host(in_flight=8, per_second=10)}

        class Parameters(serializers.Serializer):
            vat = serializers.CharField(max_length=20)

        def run(self, call, parameters, user):
            found = call.get("https://api.registry.example/companies", params={"vat": parameters["vat"]}).json()
            return {"name": found["name"]}

`calls.checks` finds mistakes in a declaration when Django starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from jobs.types.base import JobType, NoParameters
from jobs.types.registry import TypeRegistry

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from calls.call import Call

__all__ = ["CALL_TYPES", "CallType", "Host", "NoParameters", "register"]


@dataclass(frozen=True)
class Host:
    """The limits of a remote host, over all workers: requests in flight, and requests per second. None is no limit.

    They are the defaults. Staff change them in the admin without a deployment.
    """

    in_flight: int | None = None
    per_second: float | None = None


class CallType(JobType):
    """One type of call. Subclass it in an app's `call_types.py` and decorate the subclass with `@register`.

    All threads share one instance: keep no state in it.
    """

    #: How long after its order, or after staff requeued it, a call may still begin a step. Later it fails for good.
    #: Without one, a call waits as long as a host stays closed.
    deadline: ClassVar[timedelta | None] = timedelta(days=7)
    #: `host` or `host:port` → its limits. These hosts are trusted: requests to them may use http, and reach private
    #: addresses. Requests to all other hosts must use https and a public address.
    hosts: ClassVar[Mapping[str, Host]] = {}
    #: Timeouts of a request in seconds, and the largest response body in bytes. Each request can override them.
    timeout_seconds: ClassVar[float] = 60
    connect_timeout_seconds: ClassVar[float] = 5
    max_body_bytes: ClassVar[int] = 10 * 1024**2

    def run(self, call: Call, parameters: dict[str, Any], user: AbstractBaseUser) -> Any:
        """Do the work in steps of `call`, and return the result, a JSON value.

        It runs again from its beginning after a failure, a postponement or the loss of its worker: steps that are done
        then return their stored results without a request. So between two steps, it must do the same each time, and
        all effects belong into steps.
        """
        raise NotImplementedError


CALL_TYPES: Final = TypeRegistry("call", CallType)
register = CALL_TYPES.register
