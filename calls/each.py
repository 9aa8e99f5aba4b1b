"""One step for each of many items, several at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import connections

from jobs.classification import classify
from jobs.errors import AttemptStoppedError, HandlerError, LeaseLostError, PermanentError, PostponedError
from jobs.postgres.pooling import release_connection

if TYPE_CHECKING:
    from calls.call import Call
    from jobs.models import Job


@dataclass(frozen=True)
class StepFailure:
    """An item that failed, in place of its result. `detail` is fit for the owner of the call."""

    code: str
    detail: str

    def as_json(self) -> dict[str, str]:
        """For a result, which must be JSON."""
        return {"code": self.code, "detail": self.detail}


def run_each(
    call: Call,
    name: str,
    items: list[Any],
    function: Callable[[Call, Any], Any],
    *,
    at_most: int,
    keep_failures: bool,
) -> list[Any]:
    """See `Call.each`. Raises ValueError if `at_most` is less than 1."""
    if at_most < 1:
        raise ValueError(f"at_most must be 1 or more, not {at_most}")
    call.full_name(name)
    call.expect(len(items))
    job = call.shared.context.job

    def run_item(index: int, item: Any) -> Any:
        scope, fingerprint = f"{name}/{index}", ["each", item]
        try:
            return call.run_step(scope, lambda key, facts: function(call.of_item(scope), item), fingerprint=fingerprint)
        except (AttemptStoppedError, LeaseLostError):
            raise
        except Exception as error:
            if not keep_failures or not _is_final(error, job):
                raise
            call.refuse(scope, fingerprint, error)
            failure = classify(error)
            return StepFailure(failure.code, failure.detail)

    def run_in_thread(index: int, item: Any) -> Any:
        try:
            return run_item(index, item)
        finally:
            connections.close_all()

    if at_most == 1 or len(items) <= 1:
        return [run_item(index, item) for index, item in enumerate(items)]
    release_connection()  # this thread only waits
    with ThreadPoolExecutor(min(at_most, len(items)), thread_name_prefix="each") as pool:
        futures = [pool.submit(copy_context().run, run_in_thread, *each) for each in enumerate(items)]
        _stop_at_first_failure(futures)
    _raise_worst(futures)
    return [future.result() for future in futures]


#: Failures of the call, not of an item: none may take the place of a result.
OF_THE_CALL: Final = frozenset({"deadline-exceeded", "step-changed", "step-invalid", "step-result-lost"})


def _is_final(error: Exception, job: Job) -> bool:
    """Whether the item has failed, and no later attempt will try it again."""
    if isinstance(error, PermanentError) and error.code in OF_THE_CALL:
        return False
    return classify(error).permanent or (isinstance(error, HandlerError) and job.attempt_count >= job.max_attempts)


def _stop_at_first_failure(futures: list[Future[Any]]) -> None:
    """Wait until all have ended. Once one has failed, those that have not begun never do."""

    def stop(ended: Future[Any]) -> None:
        if not ended.cancelled() and ended.exception() is not None:
            for future in futures:
                future.cancel()

    for future in futures:
        future.add_done_callback(stop)


def _raise_worst(futures: list[Future[Any]]) -> None:
    """Raise the failure that decides what becomes of the attempt.

    That is a lost lease or a stop; then a failure for good; then one that counts; then the longest postponement.
    """
    errors = [error for future in futures if not future.cancelled() and (error := future.exception()) is not None]
    if errors:
        raise max(errors, key=_severity)


def _severity(error: BaseException) -> tuple[int, float]:
    match error:
        case PostponedError():
            return 0, error.delay.total_seconds() if error.delay else 0.0
        case AttemptStoppedError() | LeaseLostError():
            return 3, 0.0
        case Exception() if not classify(error).permanent:
            return 1, 0.0
    return 2, 0.0
