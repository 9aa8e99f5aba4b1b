"""The time that a call type allows."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from calls.call import Call
from jobs.errors import RetryableError
from jobs.interventions.dead_letter import requeue_jobs
from jobs.models import Job
from jobs.states import State

pytestmark = pytest.mark.django_db(transaction=True)

Made = Callable[..., str]
Order = Callable[[str], Job]
Run = Callable[[Job], Job]
Age = Callable[[Job, timedelta], None]

HOUR = timedelta(hours=1)


def test_after_its_deadline_a_call_fails_for_good(call_of: Made, order_call: Order, run_attempt: Run, age: Age) -> None:
    job = order_call(call_of(lambda call: 1, deadline=HOUR))
    age(job, HOUR)
    assert run_attempt(job).state == State.DEAD
    assert (job.result or {})["error"] == {
        "code": "deadline-exceeded", "detail": "The call did not end within 60 minutes.", "retryable": False,
    }  # fmt: skip


def test_before_its_deadline_it_runs(call_of: Made, order_call: Order, run_attempt: Run, age: Age) -> None:
    job = order_call(call_of(lambda call: call.step("a", lambda key: 1), deadline=HOUR))
    age(job, HOUR - timedelta(minutes=1))
    assert run_attempt(job).state == State.SUCCEEDED


def test_a_step_that_is_done_does_not_fall_under_the_deadline_and_a_new_one_does(
    call_of: Made, order_call: Order, run_attempt: Run, age: Age
) -> None:
    late: list[bool] = []

    def run(call: Call) -> None:
        call.step("a", lambda key: 1)
        if not late:
            late.append(True)
            raise RetryableError("once")
        age(call.shared.context.job, 2 * HOUR)
        call.shared.context.job.refresh_from_db()
        call.step("b", lambda key: 2)

    job = order_call(call_of(run, deadline=HOUR))
    assert run_attempt(job).state == State.FAILED
    assert (run_attempt(job).state, job.progress_done) == (State.DEAD, 1)
    assert (job.result or {})["error"]["code"] == "deadline-exceeded"


def test_requeued_by_staff_it_has_its_whole_time_again(
    call_of: Made, order_call: Order, run_attempt: Run, age: Age
) -> None:
    job = order_call(call_of(lambda call: 1, deadline=HOUR))
    age(job, HOUR)
    run_attempt(job)
    requeue_jobs([job.pk], actor="staff", reason="slow remote")
    assert run_attempt(job).state == State.SUCCEEDED
