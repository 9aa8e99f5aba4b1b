"""Running a task: its function, its context, its end, and the signals about it."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django_tasks import TaskResult, TaskResultStatus, default_task_backend
from django_tasks.signals import task_finished, task_started
from pytest_django import Settings

from jobs.inspection import InvalidPayloadError
from jobs.interventions.cancellation import cancel_jobs
from jobs.interventions.dead_letter import requeue_jobs
from jobs.kinds import get_kind, inspector_of
from jobs.models import Job
from jobs.states import Level, State
from jobs.task_backend.backend import LonghaulBackend
from jobs.worker.execution import AttemptEnd
from tests.support.apps.chores import tasks

pytestmark = pytest.mark.django_db
Refreshed = Callable[[TaskResult[Any]], TaskResult[Any]]
PATH = "tests.support.apps.chores.tasks"


@pytest.fixture
def told() -> Iterator[list[tuple[str, Any, TaskResult[Any]]]]:
    """What the signals have told: which, its sender, and the result."""
    heard: list[tuple[str, Any, TaskResult[Any]]] = []

    def started(sender: Any, task_result: Any, **kwargs: Any) -> None:
        heard.append(("started", sender, task_result))

    def finished(sender: Any, task_result: Any, **kwargs: Any) -> None:
        heard.append(("finished", sender, task_result))

    task_started.connect(started)
    task_finished.connect(finished)
    yield heard
    task_started.disconnect(started)
    task_finished.disconnect(finished)


def error_of(result: TaskResult[Any]) -> dict[str, Any]:
    """What the job says about its failure."""
    job = Job.objects.get(pk=result.id)
    return {"state": job.state, **(job.result or {})["error"]}


# Success


@pytest.mark.parametrize("chore", [tasks.do_nothing, tasks.do_nothing_async, tasks.do_nothing_bare])
def test_a_task_runs_once_it_is_enqueued(chore: Any, refreshed: Refreshed) -> None:
    result = refreshed(chore.enqueue(1, two=3))
    assert (result.status, result.return_value, result.attempts) == (TaskResultStatus.SUCCESSFUL, None, 1)
    assert result.enqueued_at is not None
    assert result.started_at is not None
    assert result.finished_at is not None
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert result.last_attempted_at == result.started_at


def test_what_a_function_returns_is_the_result(refreshed: Refreshed) -> None:
    assert refreshed(tasks.answer.enqueue()).return_value == 42
    assert refreshed(tasks.answer_async.enqueue("why?")).return_value == {"question": "why?"}
    result = refreshed(tasks.give_back.enqueue({"a": [1, 2.5, None, "é"]}))
    assert result.return_value == {"a": [1, 2.5, None, "é"]}
    assert Job.objects.get(pk=result.id).result == {"returnValue": {"a": [1, 2.5, None, "é"]}}


def test_a_function_may_get_its_context(refreshed: Refreshed) -> None:
    enqueued = tasks.tell_id.enqueue()
    assert refreshed(enqueued).return_value == enqueued.id


def test_the_context_counts_the_attempts(refreshed: Refreshed) -> None:
    enqueued = tasks.tell_attempt.enqueue(2)
    assert [refreshed(enqueued).status for _ in range(3)] == ["READY", "READY", "SUCCESSFUL"]
    result = default_task_backend.get_result(enqueued.id)
    assert (result.return_value, result.attempts) == ([3, "RUNNING", 3], 3)
    assert [error.exception_class_path for error in result.errors] == ["jobs.errors.RetryableError"] * 2
    assert result.started_at is not None
    assert result.last_attempted_at is not None
    assert result.started_at < result.last_attempted_at


# Failure


@pytest.mark.usefixtures("once")
def test_a_function_that_raises_fails_its_task(refreshed: Refreshed) -> None:
    result = refreshed(tasks.fail_with_value_error.enqueue())
    assert (result.status, result.is_finished, result.attempts) == (TaskResultStatus.FAILED, True, 1)
    assert result.started_at is not None
    assert result.finished_at is not None
    assert result.started_at <= result.finished_at
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value
    [error] = result.errors
    assert error.exception_class is ValueError
    assert error.traceback.endswith("ValueError: This task failed due to ValueError\n")


@pytest.mark.usefixtures("once")
def test_an_exception_of_an_exception_is_kept(refreshed: Refreshed) -> None:
    [error] = refreshed(tasks.fail_with_a_complex_exception.enqueue()).errors
    assert error.exception_class is ValueError
    assert 'ValueError(ValueError("This task failed"))' in error.traceback


@pytest.mark.django_db(transaction=True)  # the worker gives up its connection
def test_a_function_that_leaves_its_process_fails_its_task(configure: Callable[..., None], run: Any) -> None:
    configure(max_attempts=1)
    enqueued = tasks.leave.enqueue()
    with pytest.raises(SystemExit, match="This task failed due to SystemExit"):
        run(enqueued)
    result = default_task_backend.get_result(enqueued.id)
    assert result.status == TaskResultStatus.FAILED
    assert [error.exception_class for error in result.errors] == [SystemExit]


def test_a_task_is_retried_until_its_attempts_are_used_up(refreshed: Refreshed) -> None:
    enqueued = tasks.fail_for_now.enqueue()
    assert [refreshed(enqueued).status for _ in range(5)] == ["READY", "READY", "READY", "READY", "FAILED"]
    assert Job.objects.get(pk=enqueued.id).state == State.DEAD


def test_a_permanent_error_is_not_retried(refreshed: Refreshed) -> None:
    result = refreshed(tasks.fail_for_good.enqueue())
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 1)
    assert error_of(result) == {
        "state": "dead", "code": "not-possible", "detail": "Nobody can do this.", "retryable": False
    }  # fmt: skip


def test_an_error_of_the_database_is_kept_although_its_transaction_is_undone(refreshed: Refreshed) -> None:
    result = refreshed(tasks.break_the_transaction.enqueue())
    assert [error.exception_class_path for error in result.errors] == ["django.db.utils.DataError"]


@pytest.mark.parametrize(
    ("chore", "args", "said"),
    [
        (tasks.give_back_no_json, [], "Unsupported type: <class 'function'>"),
        (tasks.give_back_much, [], "1048578 bytes of JSON are more than the 1048576 that a task may have"),
    ],
)
def test_a_task_that_has_run_is_not_run_again_for_what_it_returned(
    chore: Any, args: list[Any], said: str, refreshed: Refreshed
) -> None:
    result = refreshed(chore.enqueue(*args))
    assert (result.status, result._return_value) == (TaskResultStatus.FAILED, None)
    assert [error.exception_class for error in result.errors] == [TypeError]
    assert said in result.errors[0].traceback
    assert error_of(result) == {
        "state": "dead", "code": "return-value", "retryable": False,
        "detail": f"What the function returned is not stored: {said}.",
    }  # fmt: skip


def test_arguments_that_do_not_fit_are_a_mistake_for_good(refreshed: Refreshed, told: list[Any]) -> None:
    result = refreshed(tasks.answer.enqueue(1))  # type: ignore[call-arg]
    assert [error.exception_class for error in result.errors] == [TypeError]
    assert error_of(result) == {
        "state": "dead", "code": "task-arguments", "retryable": False,
        "detail": "The arguments do not fit the function: too many positional arguments.",
    }  # fmt: skip
    assert [name for name, *_ in told] == ["finished"]


@pytest.mark.parametrize(
    "path",
    [
        "subprocess.check_output", "missing.function", f"{PATH}.missing", f"{PATH}.no_task", f"{PATH}.Holder.method",
        f"{PATH}.missing.function", "no_module", "", f"{PATH}.another_name", ".relative", f"{PATH}.",
    ],
)  # fmt: skip
def test_only_a_task_is_run_by_its_path(path: str, run: Callable[..., AttemptEnd | None]) -> None:
    enqueued = tasks.do_nothing.enqueue()
    job = Job.objects.get(pk=enqueued.id)
    Job.objects.filter(pk=job.pk).update(payload={**job.payload, "task": path, "args": [["true"]]})
    run(enqueued)
    assert error_of(enqueued) == {
        "state": "dead", "code": "unknown-task", "retryable": False,
        "detail": f"There is no task {path!r}: no function of this name has the decorator @task.",
    }  # fmt: skip


def test_a_canceled_task_has_failed(run: Callable[..., AttemptEnd | None]) -> None:
    result = tasks.answer.enqueue()
    cancel_jobs([Job.objects.get(pk=result.id).pk], actor="sam")
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 0)
    assert [error.exception_class_path for error in result.errors] == ["jobs.errors.CancelRequestedError"]


def test_a_dead_task_that_is_requeued_is_ready_again(refreshed: Refreshed) -> None:
    result = refreshed(tasks.fail_for_good.enqueue())
    requeue_jobs([Job.objects.get(pk=result.id).pk], actor="sam", reason="try")
    result.refresh()
    assert (result.status, result.finished_at, result.attempts) == (TaskResultStatus.READY, None, 1)


# Signals


def test_signals_tell_the_start_and_the_end(run: Callable[..., AttemptEnd | None], told: list[Any]) -> None:
    enqueued = tasks.answer.enqueue()
    run(enqueued, worker="tasks@here")
    assert [(name, sender, result.id) for name, sender, result in told] == [
        ("started", LonghaulBackend, enqueued.id), ("finished", LonghaulBackend, enqueued.id)
    ]  # fmt: skip
    started, finished = told[0][2], told[1][2]
    assert (started.status, started.worker_ids, started.finished_at) == ("RUNNING", ["tasks@here"], None)
    assert (finished.status, finished.return_value) == ("SUCCESSFUL", 42)
    assert finished == default_task_backend.get_result(enqueued.id)


def test_a_task_that_will_be_retried_has_not_finished(refreshed: Refreshed, told: list[Any], once: None) -> None:
    refreshed(tasks.fail_with_value_error.enqueue())
    assert [(name, result.status) for name, _, result in told] == [("started", "RUNNING"), ("finished", "FAILED")]


def test_each_attempt_starts_and_the_last_one_finishes(refreshed: Refreshed, told: list[Any]) -> None:
    enqueued = tasks.tell_attempt.enqueue(1)
    refreshed(enqueued)
    refreshed(enqueued)
    assert [name for name, *_ in told] == ["started", "started", "finished"]
    assert [result.attempts for *_, result in told] == [1, 2, 2]


@pytest.mark.parametrize("signal", [task_started, task_finished])
def test_a_broken_receiver_changes_nothing(signal: Any, refreshed: Refreshed) -> None:
    def break_down(**kwargs: Any) -> None:
        raise RuntimeError("the receiver is broken")

    signal.connect(break_down)
    try:
        assert refreshed(tasks.answer.enqueue()).return_value == 42
    finally:
        signal.disconnect(break_down)


def test_the_log_has_the_start_and_the_end_and_no_secret(
    refreshed: Refreshed, once: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        result = refreshed(tasks.pay.enqueue("sesame-1234", 5, api_key="k-987654"))
    lines = [record.getMessage() for record in caplog.records if record.name == "django_tasks"]
    assert lines == [
        f"Task id={result.id} path={PATH}.pay enqueued backend=default",
        f"Task id={result.id} path={PATH}.pay state=RUNNING",
        f"Task id={result.id} path={PATH}.pay state=FAILED",
    ]
    assert "sesame-1234" not in caplog.text
    assert "k-987654" not in caplog.text


# Secrets


def test_secrets_are_encrypted_masked_and_given_to_the_function(
    configure: Callable[..., None], refreshed: Refreshed
) -> None:
    configure(sensitive=["iban"], max_attempts=1)
    result = refreshed(tasks.pay.enqueue("sesame-1234", 5, api_key="k-987654", iban="DE-4711"))
    job = Job.objects.get(pk=result.id)
    stored = json.dumps([job.payload, job.error_message, job.result, *job.attempts.values_list("traceback", flat=True)])
    assert [secret for secret in ("sesame", "k-98", "DE-47") if secret in stored] == []
    assert job.error_message == "The bank refused *** with *** for 5."
    assert [list(value) for value in (job.payload["args"][0], *job.payload["kwargs"].values())] == [["$encrypted"]] * 3
    assert (result.args, result.kwargs) == (["sesame-1234", 5], {"api_key": "k-987654", "iban": "DE-4711"})


def test_secrets_of_a_former_key_are_encrypted_again(settings: Settings) -> None:
    enqueued = tasks.pay.enqueue("sesame-1234", 5, api_key="k-987654")
    inspector = inspector_of("task")
    payload = Job.objects.get(pk=enqueued.id).payload
    assert inspector.encrypted(payload) is None
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [settings.SECRET_KEY]
    again = inspector.encrypted({**payload, "task": "missing.function"})
    assert again is not None
    assert list(again["args"][0]) == ["$encrypted"]  # although nobody knows the name of its parameter any more
    assert again["args"][0] != payload["args"][0]
    settings.SECRET_KEY_FALLBACKS = []
    Job.objects.filter(pk=enqueued.id).update(payload={**again, "task": payload["task"]})
    assert default_task_backend.get_result(enqueued.id).args == ["sesame-1234", 5]


def test_a_secret_that_cannot_be_decrypted_fails_the_task(refreshed: Refreshed, settings: Settings) -> None:
    enqueued = tasks.pay.enqueue("sesame-1234", 5, api_key="k-987654")
    settings.SECRET_KEY = "another" * 10
    result = refreshed(enqueued)
    assert (result.args, result.kwargs) == (["***", 5], {"api_key": "***"})
    assert error_of(result)["code"] == "secret-unreadable"


# What staff see and change


def test_the_type_of_a_task_is_its_path() -> None:
    inspector = get_kind("task").inspector
    assert inspector.type_of({"task": f"{PATH}.answer"}) == f"{PATH}.answer"
    wrong: list[Any] = [{}, []]
    assert [inspector.type_of(payload) for payload in wrong] == ["", ""]
    assert f"{PATH}.answer" in inspector.types()
    assert f"{PATH}.no_task" not in inspector.types()


def test_a_payload_is_edited_within_what_the_task_takes() -> None:
    inspector = inspector_of("task")
    payload = {"task": f"{PATH}.pay", "args": ["t-1234", 5], "kwargs": {"api_key": "k-1234"}, "queueName": "default",
               "backend": "default"}  # fmt: skip
    edited = inspector.validate(payload, None)
    assert [list(edited["args"][0]), edited["args"][1], list(edited["kwargs"]["api_key"])] == [
        ["$encrypted"], 5, ["$encrypted"]
    ]  # fmt: skip
    context = {**payload, "task": f"{PATH}.tell_attempt", "args": [1], "kwargs": {}}
    assert inspector.validate(context, None) == context


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"task": "subprocess.run"}, [("/task", "There is no task 'subprocess.run': no function of this name has the "
                                                "decorator @task.")]),
        ({"task": 7}, [("/task", "It has the wrong type.")]),
        ({"args": {}}, [("/args", "It has the wrong type.")]),
        ({"args": []}, [("/args", "They do not fit the task: missing a required argument: 'question'.")]),
        ({"more": 1}, [("", "The members must be: args, backend, kwargs, queueName, task.")]),
    ],
)  # fmt: skip
def test_a_wrong_payload_is_refused(change: dict[str, Any], errors: list[tuple[str, str]]) -> None:
    payload = {"task": f"{PATH}.answer_async", "args": ["why?"], "kwargs": {}, "queueName": "default",
               "backend": "default"}  # fmt: skip
    assert inspector_of("task").validate(payload, None) == payload
    with pytest.raises(InvalidPayloadError) as refused:
        inspector_of("task").validate({**payload, **change}, None)
    assert [(error["pointer"], error["detail"]) for error in refused.value.errors] == errors


def test_findings_say_whether_the_task_can_run() -> None:
    job = Job.objects.get(pk=tasks.answer.enqueue().id)
    inspector = inspector_of("task")
    assert [(found.level, found.text) for found in inspector.findings(job)] == [
        (Level.OK, "The task exists and takes these arguments.")
    ]
    job.payload = {**job.payload, "args": [1]}
    assert [(found.level, found.text) for found in inspector.findings(job)] == [
        (Level.WILL_FAIL, "Its payload is no longer valid: /args: They do not fit the task: too many positional "
                          "arguments.")
    ]  # fmt: skip
