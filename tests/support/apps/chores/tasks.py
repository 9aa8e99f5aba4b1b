"""Functions with `@task`: such as an app of a team writes, and such as misbehave."""

import os
import time
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django_tasks import TaskContext, task

from jobs.errors import PermanentError, RetryableError


@task()
def do_nothing(*args: Any, **kwargs: Any) -> None:
    return None


@task
def do_nothing_bare(*args: Any, **kwargs: Any) -> None:
    return None


another_name = do_nothing


@task()
async def do_nothing_async(*args: Any, **kwargs: Any) -> None:
    return None


@task()
def answer() -> int:
    return 42


@task()
async def answer_async(question: str) -> dict[str, str]:
    return {"question": question}


@task()
def fail_with_value_error() -> None:
    raise ValueError("This task failed due to ValueError")


@task()
def fail_with_a_complex_exception() -> None:
    raise ValueError(ValueError("This task failed"))


@task()
def fail_for_good() -> None:
    raise PermanentError("Nobody can do this.", code="not-possible")


@task()
def fail_for_now() -> None:
    raise RetryableError("Not yet.")


@task()
def leave() -> None:
    raise SystemExit("This task failed due to SystemExit")


@task()
def give_back(value: Any) -> Any:
    return value


@task()
def give_back_no_json() -> Any:
    return lambda: True


@task()
def give_back_much() -> str:
    return "x" * (1024 * 1024)


@task(takes_context=True)
def tell_id(context: TaskContext) -> str:
    return context.task_result.id


@task(takes_context=True)
def tell_attempt(context: TaskContext, failures: int) -> list[Any]:
    if context.attempt <= failures:
        raise RetryableError("once more")
    return [context.attempt, context.task_result.status, len(context.task_result.worker_ids)]


@task()
def pay(card_token: str, amount: int, *, api_key: str, iban: str = "") -> str:
    raise RetryableError(f"The bank refused {card_token} with {api_key} for {amount}.")


@task()
def break_the_transaction() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


@task()
def wait_at(gate: str, journal: str) -> str:
    """Note each call in a file, and wait until the gate exists."""
    with Path(journal).open("a") as lines:
        lines.write(f"{os.getpid()}\n")
    while not Path(gate).exists():
        time.sleep(0.02)
    return "done"


@task()
def never_stop(journal: str) -> None:
    """Note the call, and hear nothing."""
    with Path(journal).open("a") as lines:
        lines.write(f"{os.getpid()}\n")
    while True:
        time.sleep(3600)


def no_task() -> None:
    raise AssertionError("it is no task")


class Holder:
    @staticmethod
    def method() -> None:
        return None
