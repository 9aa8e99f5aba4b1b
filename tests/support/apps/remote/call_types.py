"""Call types whose steps compute, fail or wait, as the parameters say. All steps run in the thread of the attempt."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rest_framework import serializers

from calls.call import Call, StepFailure
from calls.types import CallType, register
from jobs.errors import PermanentError, PostponedError, RetryableError
from jobs.http.strict import StrictBooleanField

#: Numbers that cannot be doubled.
REFUSED, BROKEN, BUSY = 13, 17, 19


def double(call: Call, number: int) -> int:
    """Twice the number."""
    if number == REFUSED:
        raise PermanentError("13 at host 10.0.0.1", code="unlucky", public="13 cannot be doubled.")
    if number == BROKEN:
        raise RetryableError("17 at host 10.0.0.1", public="The service is broken.")
    if number == BUSY:
        raise PostponedError("19 at host 10.0.0.1", public="The service is busy.", delay=timedelta(minutes=5))
    doubled: int = call.step("compute", lambda key: 2 * number)
    return doubled


@register
class Doubles(CallType):
    """A step for each number, with one inside, and a step at the end."""

    identifier = "doubles"
    title = "Double numbers"

    class Parameters(serializers.Serializer[Any]):
        numbers = serializers.ListField(child=serializers.IntegerField(), max_length=500)
        keep_failures = StrictBooleanField(default=False)

    def run(self, call: Call, parameters: dict[str, Any], user: Any) -> Any:
        call.expect(1)
        keep = parameters["keep_failures"]
        doubled = call.each("double", parameters["numbers"], double, at_most=1, keep_failures=keep)
        known = [one for one in doubled if not isinstance(one, StepFailure)]
        return {"doubled": known, "total": call.step("total", lambda key: sum(known))}


@register
class Text(CallType):
    """A text of this length, which may be large."""

    identifier = "text"
    title = "Text"

    class Parameters(serializers.Serializer[Any]):
        length = serializers.IntegerField(min_value=0, max_value=10_000_000)
        letter = serializers.CharField(max_length=20, default="x")
        token = serializers.CharField(max_length=50, required=False, write_only=True)

    def run(self, call: Call, parameters: dict[str, Any], user: Any) -> Any:
        length = parameters["length"]
        return {"text": call.step("write", lambda key: parameters["letter"] * length), "secret": None}
