"""Fan-out: a step for each item, several at once."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from calls.call import Call
from calls.each import StepFailure
from calls.models import Step
from calls.steps import key_of
from jobs.errors import PermanentError, PostponedError, RetryableError
from jobs.models import Attempt, Job
from jobs.states import State

pytestmark = pytest.mark.django_db(transaction=True)

Made = Callable[..., str]
Order = Callable[[str], Job]
Run = Callable[[Job], Job]


def test_results_are_in_the_order_of_the_items_and_a_retry_does_what_is_missing(
    call_of: Made, order_call: Order, run_attempt: Run
) -> None:
    done: list[tuple[str, int]] = []

    def double(call: Call, item: int) -> int:
        if item == 2 and not any(number == 2 for _, number in done):
            done.append((call.key, 2))
            raise RetryableError("not yet")
        done.append((call.key, item))
        return item * 2

    job = order_call(call_of(lambda call: call.each("double", [1, 2, 3], double, at_most=1)))
    assert run_attempt(job).state == State.FAILED
    assert (job.progress_done, [item for _, item in done]) == (1, [1, 2])
    assert run_attempt(job).result == {"value": [2, 4, 6]}
    assert done == [(key_of(job.pk, f"double/{number - 1}"), number) for number in (1, 2, 2, 3)]
    assert (job.progress_done, job.progress_total) == (3, 3)


def test_at_most_so_many_run_at_the_same_time(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    running: list[int] = []
    peaks: list[int] = []
    all_three = threading.Barrier(3)

    def meet(call: Call, item: int) -> None:
        running.append(item)
        peaks.append(len(running))
        all_three.wait(30)  # breaks, and fails the step, unless three run at once
        running.remove(item)

    job = order_call(call_of(lambda call: call.each("meet", list(range(9)), meet, at_most=3)))
    assert run_attempt(job).state == State.SUCCEEDED
    assert max(peaks) <= 3 + 2  # a thread that has met may not have left yet
    assert Step.objects.filter(outcome="done").count() == 9


def test_after_a_failure_no_further_item_begins_and_those_that_run_are_kept(
    call_of: Made, order_call: Order, run_attempt: Run
) -> None:
    has_failed, began = threading.Event(), []

    def fetch(call: Call, item: int) -> int:
        began.append(item)
        if item == 0:
            raise RetryableError("no")
        assert has_failed.wait(30)
        return item

    def run(call: Call) -> Any:
        write_failure = call.shared.steps.write_failure

        def tell(*args: Any, **facts: Any) -> None:
            write_failure(*args, **facts)
            has_failed.set()

        call.shared.steps.write_failure = tell  # type: ignore[method-assign]
        return call.each("fetch", list(range(50)), fetch, at_most=2)

    job = run_attempt(order_call(call_of(run)))
    assert job.state == State.FAILED
    assert len(began) < 10
    assert set(Step.objects.filter(outcome="done").values_list("name", flat=True)) == {f"fetch/{i}" for i in began if i}


def test_failures_are_values_if_they_are_kept(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    tried: list[int] = []

    def fetch(call: Call, item: int) -> int:
        tried.append(item)
        if item == 1:
            raise PermanentError("the branch is closed", code="closed")
        if item == 2 and tried.count(2) == 1:
            raise RetryableError("not yet")
        return item

    def run(call: Call) -> Any:
        found = call.each("fetch", [0, 1, 2], fetch, at_most=1, keep_failures=True)
        return [each.as_json() if isinstance(each, StepFailure) else each for each in found]

    job = order_call(call_of(run))
    assert run_attempt(job).state == State.FAILED
    assert run_attempt(job).result == {"value": [0, {"code": "closed", "detail": "the branch is closed"}, 2]}
    assert tried == [0, 1, 2, 2]
    assert Step.objects.get(outcome="refused").name == "fetch/1"


def test_in_the_last_attempt_a_retryable_failure_is_a_value_too(
    call_of: Made, order_call: Order, run_attempt: Run
) -> None:
    def fetch(call: Call, item: int) -> int:
        raise RetryableError("still not", code="remote-failed")

    def run(call: Call) -> Any:
        return [each.as_json() for each in call.each("fetch", [0], fetch, keep_failures=True)]

    job = order_call(call_of(run))
    Job.objects.update(max_attempts=2)
    assert run_attempt(job).state == State.FAILED
    assert run_attempt(job).result == {"value": [{"code": "remote-failed", "detail": "still not"}]}


def test_of_several_failures_the_one_that_decides_is_raised(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    all_run = threading.Barrier(4)
    errors = [
        PostponedError("later", delay=timedelta(seconds=5)),
        RetryableError("again"),
        PermanentError("never", code="never"),
        PostponedError("much later", delay=timedelta(seconds=50)),
    ]

    def fail(call: Call, item: int) -> None:
        all_run.wait(30)
        raise errors[item]

    job = run_attempt(order_call(call_of(lambda call: call.each("fail", [0, 1, 2, 3], fail, at_most=4))))
    assert (job.state, (job.result or {})["error"]["code"]) == (State.DEAD, "never")
    del errors[1:3]
    all_run = threading.Barrier(2)
    job = run_attempt(order_call(call_of(lambda call: call.each("fail", [0, 1], fail, at_most=2))))
    assert job.state == State.QUEUED
    assert Attempt.objects.get(job=job).error_message == "much later"


def test_steps_of_an_item_are_its_own_and_do_not_count(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    def quote(call: Call, item: int) -> int:
        number: int = call.step("look up", lambda key: item + 1)
        return number * 10

    job = run_attempt(order_call(call_of(lambda call: call.each("quote", [1, 2], quote, at_most=2))))
    assert (job.result, job.progress_done, job.progress_total) == ({"value": [20, 30]}, 2, 2)
    assert set(Step.objects.values_list("name", "of_item")) == {
        ("quote/0", False), ("quote/0/look up", True), ("quote/1", False), ("quote/1/look up", True),
    }  # fmt: skip


def test_other_items_than_before_are_permanent(call_of: Made, order_call: Order, run_attempt: Run) -> None:
    items = [1, 2]

    def run(call: Call) -> Any:
        call.each("quote", items, lambda call, item: item)
        items.reverse()
        raise RetryableError("once more")

    job = run_attempt(run_attempt(order_call(call_of(run))))
    assert (job.state, (job.result or {})["error"]["code"]) == (State.DEAD, "step-changed")


@pytest.mark.parametrize("items", [[], [5]])
def test_no_item_and_one_item_need_no_threads(
    call_of: Made, order_call: Order, run_attempt: Run, items: list[int]
) -> None:
    def run(call: Call) -> Any:
        return call.each("here", items, lambda call, item: threading.current_thread().name, at_most=4)

    here = [threading.current_thread().name] * len(items)
    assert run_attempt(order_call(call_of(run))).result == {"value": here}


def test_a_failure_of_the_call_is_not_kept_in_place_of_a_result(
    call_of: Made, order_call: Order, run_attempt: Run
) -> None:
    items = [1, 2]

    def run(call: Call) -> Any:
        found = call.each("quote", items, lambda call, item: item, keep_failures=True)
        if items == [1, 2]:
            items.reverse()
            raise RetryableError("once more")
        return [str(each) for each in found]

    job = run_attempt(run_attempt(order_call(call_of(run))))
    assert (job.state, (job.result or {})["error"]["code"]) == (State.DEAD, "step-changed")
