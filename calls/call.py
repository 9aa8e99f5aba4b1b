"""What `CallType.run` works with: steps that are done once, requests, and steps for many items at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from calls.each import StepFailure, run_each
from calls.models import Step
from calls.models.step import LONGEST_NAME
from calls.requests import Answer, Options, Requests
from calls.steps import Facts, StepId, Steps, fingerprint_of, key_of, step_invalid
from jobs.classification import classify
from jobs.context import JobContext
from jobs.errors import AttemptStoppedError, LeaseLostError, PermanentError, PostponedError
from jobs.payloads.masked import secrets_of
from jobs.payloads.redaction import LONGEST_MESSAGE, redact
from jobs.postgres.pooling import release_connection

if TYPE_CHECKING:
    from calls.deadline import Deadline
    from calls.types import CallType

__all__ = ["Answer", "Call", "Shared", "StepFailure"]


@dataclass(frozen=True)
class Shared:
    """What all scopes of a call share."""

    context: JobContext
    call_type: CallType
    steps: Steps
    deadline: Deadline


class Call:
    """A call that runs, or one item of it. Names of steps are unique within it.

    A scope is used by one thread at a time; `each` gives every item a scope of its own.
    """

    def __init__(self, shared: Shared, *, scope: str = "", is_item: bool = False) -> None:
        self.shared, self.scope, self.is_item = shared, scope, is_item
        self._numbers: dict[str, int] = {}
        self._requests = Requests(self)

    @property
    def key(self) -> str:
        """The idempotency key of this call or item: the same in every attempt."""
        return key_of(self.shared.context.job.pk, self.scope)

    def expect(self, number: int) -> None:
        """Say how many steps are still to come, for the progress. `each` does so itself."""
        self.shared.steps.expect(number)

    def step(self, name: str, function: Callable[[str], Any], *, fingerprint: Any = None) -> Any:
        """Do something once, and return its result, a JSON value.

        A later attempt gets the stored result, and `function` is not called. It is called with an idempotency key that
        is the same in every attempt: if a worker is killed before the result is stored, it is called again with that
        key. `fingerprint`, a JSON value, says what it does; if it differs in a later attempt, that one fails.

        Raises what `function` raises; PermanentError `step-changed`, `step-result-invalid`, `step-invalid` or
        `deadline-exceeded`; LeaseLostError, and AttemptStoppedError if the attempt must end.
        """
        return self.run_step(name, lambda key, facts: function(key), fingerprint=["step", fingerprint])

    def each(
        self,
        name: str,
        items: Iterable[Any],
        function: Callable[[Call, Any], Any],
        *,
        at_most: int = 4,
        keep_failures: bool = False,
    ) -> list[Any]:
        """Call `function` for each item, up to `at_most` at the same time, and return the results in the same order.

        Each item, a JSON value, is a step: a later attempt only does what is missing. `function` gets the item, and a
        `Call` of its own for further steps, whose `key` is the item's idempotency key. After a failure, no further item
        begins, and the failure is raised once the others have ended.

        With `keep_failures`, a `StepFailure` takes the place of a result instead: at once if the failure is permanent,
        and in the last attempt otherwise. Raises what `step` raises.
        """
        return run_each(self, name, list(items), function, at_most=at_most, keep_failures=keep_failures)

    def get(self, url: str, **options: Unpack[Options]) -> Answer:
        """Send a GET, as a step. `calls.requests` has the options, and `Requests.send` the errors."""
        return self._requests.send("GET", url, options)

    def post(self, url: str, **options: Unpack[Options]) -> Answer:
        """Send a POST, as a step."""
        return self._requests.send("POST", url, options)

    def put(self, url: str, **options: Unpack[Options]) -> Answer:
        """Send a PUT, as a step."""
        return self._requests.send("PUT", url, options)

    def patch(self, url: str, **options: Unpack[Options]) -> Answer:
        """Send a PATCH, as a step."""
        return self._requests.send("PATCH", url, options)

    def delete(self, url: str, **options: Unpack[Options]) -> Answer:
        """Send a DELETE, as a step."""
        return self._requests.send("DELETE", url, options)

    def of_item(self, name: str) -> Call:
        """The scope of an item, in which names of steps are unique."""
        return Call(self.shared, scope=self.full_name(name), is_item=True)

    def full_name(self, name: str) -> str:
        """The name of a step with its scopes. Raises PermanentError `step-invalid`."""
        full = f"{self.scope}/{name}" if self.scope else name
        if not name or len(full) > LONGEST_NAME or not full.isprintable():
            raise step_invalid(
                f"{full[:LONGEST_NAME]!r} cannot be the name of a step: a name has 1 to {LONGEST_NAME} printable "
                "characters, together with its scopes."
            )
        return full

    def numbered(self, name: str) -> str:
        """`name` when it is used for the first time in this scope; then `name #2`, `name #3`."""
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        return name if number == 1 else f"{name} #{number}"

    def run_step(self, name: str, function: Callable[[str, Facts], Any], *, fingerprint: Any) -> Any:
        """As `step`; `function` also gets the facts for the staff to fill in. A refused step raises its failure.

        The thread holds no session of PostgreSQL afterwards: what the call does between its steps may take long.
        """
        try:
            return self._run_step(self._identify(name, fingerprint), function)
        finally:
            release_connection()

    def _run_step(self, step: StepId, function: Callable[[str, Facts], Any]) -> Any:
        steps = self.shared.steps
        self.shared.context.check()
        if stored := steps.find(step):
            if stored.outcome == Step.Outcome.REFUSED:
                raise PermanentError(stored.error_message, code=stored.error_code)
            return steps.result(step.name)
        self.shared.deadline.check()
        facts, began = Facts(), time.monotonic()
        release_connection()  # the function may wait for something other than PostgreSQL
        try:
            value = function(key_of(self.shared.context.job.pk, step.name), facts)
        except PostponedError as error:
            self.shared.deadline.check(later=error.delay)
            raise
        except (AttemptStoppedError, LeaseLostError):
            raise
        except Exception as error:
            self.shared.context.check()  # raises if the attempt was stopped: then the step is not to blame
            self._write_failure(step, facts, error, milliseconds=_milliseconds(began, facts))
            raise
        return steps.write_done(step, value, facts, milliseconds=_milliseconds(began, facts))

    def refuse(self, name: str, fingerprint: Any, error: Exception) -> None:
        """Store that a step failed for good although the call goes on."""
        step = self._identify(name, fingerprint)
        self._write_failure(step, Facts(), error, milliseconds=0, outcome=Step.Outcome.REFUSED)

    def _identify(self, name: str, fingerprint: Any) -> StepId:
        return StepId(self.full_name(name), fingerprint_of(fingerprint), of_item=self.is_item)

    def _write_failure(
        self, step: StepId, facts: Facts, error: Exception, *, milliseconds: int, outcome: str = Step.Outcome.FAILED
    ) -> None:
        failure = classify(error)
        text = failure.detail if outcome == Step.Outcome.REFUSED else f"{type(error).__name__}: {error}"
        message = redact(text, secrets_of(self.shared.context.job))[:LONGEST_MESSAGE]
        self.shared.steps.write_failure(
            step, facts, outcome=outcome, code=failure.code, message=message, milliseconds=milliseconds
        )


def _milliseconds(began: float, facts: Facts) -> int:
    return max(0, round((time.monotonic() - began - facts.waited_seconds) * 1000))
