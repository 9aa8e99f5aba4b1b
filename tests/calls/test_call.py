"""Steps of a call: done once, whatever becomes of the attempts."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from calls import steps as steps_module
from calls.call import Call
from calls.large_results import read_large
from calls.models import Step
from calls.steps import Steps, key_of
from jobs.errors import PermanentError, RetryableError
from jobs.files.storage import artifact_storage
from jobs.interventions.dead_letter import requeue_jobs
from jobs.models import Artifact, Attempt, Job
from jobs.postgres.pooling import POOLS
from jobs.states import State
from tests.support.pools import pool_of

pytestmark = pytest.mark.django_db(transaction=True)

Made = Callable[..., str]
Order = Callable[[str], Job]
Run = Callable[[Job], Job]


def counting(calls: list[str], result: Any = None) -> Callable[[str], Any]:
    """A function of a step that writes down its keys."""

    def function(key: str) -> Any:
        calls.append(key)
        return result

    return function


def code_of(job: Job) -> str:
    """The code of the failure."""
    code: str = (job.result or {})["error"]["code"]
    return code


def failing_once(failed: list[int]) -> None:
    """Raise RetryableError the first time."""
    failed.append(1)
    if len(failed) == 1:
        raise RetryableError("not yet")


def test_a_later_attempt_gets_the_stored_result_without_calling_again(
    call_of: Made, order_call: Order, run_attempt: Run
) -> None:
    keys: list[str] = []
    failed: list[int] = []
    seen: list[Any] = []

    def run(call: Call) -> Any:
        seen.append(call.step("look up", counting(keys, {"z": 1, "a": (2.5, None, "\0ü\ud800")})))
        failing_once(failed)
        return {"found": seen[-1]["a"][0]}

    job = order_call(call_of(run))
    assert run_attempt(job).state == State.FAILED
    assert (job.progress_done, job.progress_total) == (1, None)
    assert run_attempt(job).state == State.SUCCEEDED
    assert job.result == {"value": {"found": 2.5}}
    assert keys == [key_of(job.pk, "look up")]
    assert seen == [{"z": 1, "a": [2.5, None, "\0ü\ud800"]}] * 2
    assert [list(each) for each in seen] == [["z", "a"]] * 2  # the order of keys is kept, too
    step = Step.objects.get()
    assert (step.name, step.outcome, step.attempt, step.of_item) == ("look up", "done", 1, False)


def test_a_first_attempt_costs_one_statement_for_each_step(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    statements: list[int] = []

    def run(call: Call) -> Any:
        with CaptureQueriesContext(connection) as captured:
            call.step("a", counting([], 1))
            call.step("b", counting([], 2))
        statements.append(len(captured))

    assert run_attempt(order_call(call_of(run))).state == State.SUCCEEDED
    assert statements == [2]


def test_a_failed_step_is_kept_for_the_staff_and_tried_again(
    call_of: Made, order_call: Order, run_attempt: Run
) -> None:
    failed: list[int] = []

    def fetch(key: str) -> int:
        failing_once(failed)
        return 7

    job = order_call(call_of(lambda call: call.step("fetch", fetch)))
    run_attempt(job)
    [step] = Step.objects.values("outcome", "error_code", "error_message", "attempt", "result")
    assert step == {
        "outcome": "failed", "error_code": "retryable-error", "error_message": "RetryableError: not yet", "attempt": 1,
        "result": None,
    }  # fmt: skip
    assert (job.progress_done, job.progress_total) == (0, None)
    assert run_attempt(job).result == {"value": 7}
    [step] = Step.objects.values("outcome", "error_code", "error_message", "attempt", "result")
    assert step == {"outcome": "done", "error_code": "", "error_message": "", "attempt": 2, "result": "7"}


def test_the_same_name_for_something_else_is_permanent(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    failed: list[int] = []

    def run(call: Call) -> Any:
        call.step("charge", counting([], 1), fingerprint={"amount": len(failed)})
        failing_once(failed)

    job = run_attempt(run_attempt(order_call(call_of(run))))
    assert job.state == State.DEAD
    assert job.result == {
        "error": {
            "code": "step-changed",
            "detail": "The call type was changed in a way that this call cannot continue with.",
            "retryable": False,
        }
    }
    assert Step.objects.get().result == "1"


def test_an_attempt_that_lost_its_lease_writes_no_step(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    def lose(key: str) -> int:
        Job.objects.update(fencing_token=F("fencing_token") + 1)
        return 1

    job = run_attempt(order_call(call_of(lambda call: call.step("slow", lose))))
    assert job.state == State.RUNNING
    assert not Step.objects.exists()


def test_a_step_that_a_lost_attempt_ended_late_is_taken_over(
    call_of: Made, order_call: Order, run_attempt: Run
) -> None:
    def overtaken(key: str) -> str:
        fingerprint = steps_module.fingerprint_of(["step", None])
        Step.objects.create(
            job=Job.objects.get(), name="slow", fingerprint=fingerprint, attempt=0, outcome="done", result='"theirs"',
            duration_ms=1,
        )  # fmt: skip
        return "ours"

    assert run_attempt(order_call(call_of(lambda call: call.step("slow", overtaken)))).result == {"value": "theirs"}


def test_a_large_result_is_a_file_that_a_later_attempt_reads(
    call_of: Made, order_call: Order, run_attempt: Run, stored: Callable[[], set[str]]
) -> None:
    large = "x" * steps_module.MAX_INLINE_BYTES
    keys: list[str] = []
    failed: list[int] = []

    def run(call: Call) -> Any:
        first, second = call.step("one", counting(keys, large)), call.step("two", counting(keys, large + "y"))
        failing_once(failed)
        return [first == large, second[-1]]

    job = run_attempt(order_call(call_of(run)))
    artifacts = Artifact.objects.filter(job=job, role="step")
    assert {each.size_bytes for each in artifacts} == {len(large) + 2, len(large) + 3}
    assert stored() == {each.storage_name for each in artifacts}
    assert list(Step.objects.values_list("result", flat=True)) == [None, None]
    assert run_attempt(job).result == {"value": [True, "y"]}
    assert len(keys) == 2


def test_the_file_of_a_step_that_was_not_written_is_deleted(
    call_of: Made, order_call: Order, run_attempt: Run, stored: Callable[[], set[str]]
) -> None:
    def lose(key: str) -> str:
        Job.objects.update(fencing_token=F("fencing_token") + 1)
        return "x" * steps_module.MAX_INLINE_BYTES

    run_attempt(order_call(call_of(lambda call: call.step("slow", lose))))
    assert stored() == set()
    assert not Artifact.objects.exists()


def test_a_lost_file_is_not_called_for_again(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    keys: list[str] = []
    failed: list[int] = []

    def run(call: Call) -> Any:
        call.step("one", counting(keys, "x" * steps_module.MAX_INLINE_BYTES))
        failing_once(failed)

    job = run_attempt(order_call(call_of(run)))
    artifact_storage().delete(Artifact.objects.get().storage_name)
    assert run_attempt(job).state == State.DEAD
    assert code_of(job) == "step-result-lost"
    assert len(keys) == 1


def test_what_is_no_json_is_refused(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    job = run_attempt(order_call(call_of(lambda call: call.step("odd", counting([], {1, 2})))))
    assert code_of(job) == "step-result-invalid"
    job = run_attempt(order_call(call_of(lambda call: float("nan"))))
    assert code_of(job) == "step-result-invalid"


@pytest.mark.parametrize("name", ["", "x" * 301, "a\nb"])
def test_a_name_that_is_not_valid_is_permanent(call_of: Made, order_call: Order, run_attempt: Run, name: str) -> None:
    job = run_attempt(order_call(call_of(lambda call: call.step(name, counting([], 1)))))
    assert code_of(job) == "step-invalid"


def test_a_large_or_odd_result_of_the_call_is_its_file(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    for value in ("x" * steps_module.MAX_INLINE_BYTES, "NUL \0", "alone \ud800"):
        job = run_attempt(order_call(call_of(lambda call, value=value: value)))
        assert (job.state, job.result) == (State.SUCCEEDED, {})
        artifact = job.artifacts.get(role="result")
        assert json.loads(read_large(artifact, name="the call")) == value


def test_requeued_by_staff_it_continues_where_it_was(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    keys: list[str] = []
    failed: list[int] = []

    def run(call: Call) -> Any:
        call.step("one", counting(keys, "x" * steps_module.MAX_INLINE_BYTES))
        failed.append(1)
        if len(failed) == 1:
            raise PermanentError("no")

    job = run_attempt(order_call(call_of(run)))
    assert job.state == State.DEAD
    requeue_jobs([job.pk], actor="staff", reason="mended")
    assert run_attempt(job).state == State.SUCCEEDED
    assert len(keys) == 1


def test_expected_steps_make_the_progress(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    seen: list[tuple[int, int | None]] = []

    def run(call: Call) -> None:
        call.expect(2)
        for name in ("a", "b", "c"):
            call.step(name, counting([], 1))
            context = call.shared.context
            seen.append((context.rows_done, context.rows_total))

    job = run_attempt(order_call(call_of(run)))
    assert seen == [(1, 2), (2, 2), (3, 3)]
    assert (job.progress_done, job.progress_total) == (3, 3)
    assert Attempt.objects.get().rows == 3


def test_a_name_is_used_once_in_an_attempt(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    charged: list[int] = []

    def run(call: Call) -> None:
        for day in (1, 2):
            call.each("charge", [day], lambda call, day: charged.append(day))

    assert code_of(run_attempt(order_call(call_of(run)))) == "step-invalid"
    assert charged == [1]


def test_a_step_may_be_tried_again_in_its_attempt(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    failed: list[int] = []

    def run(call: Call) -> Any:
        with suppress(RetryableError):
            call.step("a", lambda key: failing_once(failed))
        return call.step("a", lambda key: failing_once(failed))

    assert run_attempt(order_call(call_of(run))).state == State.SUCCEEDED


def test_a_large_result_is_written_once_though_the_answer_to_its_commit_is_lost(
    call_of: Made, order_call: Order, run_attempt: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, trials = Steps._insert, []

    def lose_the_first_answer(self: Steps, row: Any, stored: Any) -> bool:
        written = insert(self, row, stored)
        trials.append(written)
        if len(trials) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return written

    monkeypatch.setattr(Steps, "_insert", lose_the_first_answer)
    large = "x" * steps_module.MAX_INLINE_BYTES
    job = run_attempt(order_call(call_of(lambda call: len(call.step("big", lambda key: large)))))
    assert (job.state, job.result) == (State.SUCCEEDED, {"value": len(large)})
    assert trials == [True, False]
    assert Artifact.objects.filter(role="step").count() == 1


def test_what_has_no_fingerprint_is_refused(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    """A set looks different in each process, so that the next attempt would take it for another item."""
    items: list[Any] = [{"a", "b"}]
    job = run_attempt(order_call(call_of(lambda call: call.each("x", items, lambda call, item: 1))))
    assert (job.state, code_of(job)) == (State.DEAD, "step-invalid")


def test_steps_of_items_are_progress_too(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    seen: list[Any] = []

    def look_up(call: Call, item: int) -> None:
        call.step("a", counting([]))
        seen.append(call.shared.context.progress_details)

    run_attempt(order_call(call_of(lambda call: call.each("x", [1], look_up))))
    assert seen == [{"steps": 1}]


def test_no_session_is_held_by_a_step_between_steps_or_while_threads_are_waited_for(
    call_of: Made, order_call: Order, run_attempt: Run
) -> None:
    free: list[int] = []

    def look(key: str = "") -> None:
        free.append(POOLS["default"].get_stats()["pool_available"])

    def run(call: Call) -> Any:
        look()
        call.step("first", look)
        look()
        call.step("second", look)
        return call.each("x", [1, 2], lambda call, item: item)

    job = order_call(call_of(run))
    with pool_of(1, timeout_seconds=5):
        assert run_attempt(job).result == {"value": [1, 2]}
    assert free == [1, 1, 1, 1]
