"""Handlers that do what a fault test needs. A `gate` is a file: the handler goes on once it exists."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from jobs.context import JobContext
from jobs.errors import PermanentError, RetryableError
from jobs.kinds import Handler, Kind
from jobs.models import Artifact
from jobs.retry import RetryPolicy

CONTENT = b"a,b\n1,2\n" * 1000
#: How often a gate is looked at. Seconds.
POLL_SECONDS = 0.02


def write_file(context: JobContext, *, seconds: float = 0) -> None:
    """Keep it open for `seconds`, and heed `check()` meanwhile."""
    until = time.monotonic() + seconds
    with context.open_artifact(
        Artifact.Role.RESULT, filename="x.csv", content_type="text/csv", encoding="utf-8"
    ) as artifact:
        artifact.write(CONTENT)
        while time.monotonic() < until:
            context.check()
            time.sleep(POLL_SECONDS)
        artifact.row_count = 2000
    context.report_progress(2000)


def note(context: JobContext) -> None:
    """Leave a line outside of the database: how often the work was done, whatever the database says."""
    if journal := context.job.payload.get("journal"):
        descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{context.job.pk}\n".encode())
        os.close(descriptor)


def work(context: JobContext) -> dict[str, Any]:
    """A small job, done at once."""
    write_file(context)
    note(context)
    return {"attempt": context.attempt.number}


def wait(context: JobContext) -> dict[str, Any]:
    """A job that heeds `check()`."""
    write_file(context)
    stand_at_the_gate(context, context.check)
    return {"attempt": context.attempt.number}


def write_much(context: JobContext) -> dict[str, Any]:
    """A job that writes more than one part of an upload to object storage, and waits in the middle of its file."""
    with context.open_artifact(
        Artifact.Role.RESULT, filename="x.csv", content_type="text/csv", encoding="utf-8"
    ) as artifact:
        for _ in range(12):
            artifact.write(CONTENT[:8] * 131_072)
        stand_at_the_gate(context, context.check)
        artifact.write(CONTENT)
        artifact.row_count = 1
    return {"attempt": context.attempt.number}


def ignore(context: JobContext) -> dict[str, Any]:
    """A job that heeds nothing, and believes that it is done."""
    write_file(context)
    stand_at_the_gate(context, lambda: None)
    return {"attempt": context.attempt.number}


def stand_at_the_gate(context: JobContext, check: Callable[[], None]) -> None:
    """Wait until the gate exists, with a file open by which the process can be found."""
    gate = Path(context.job.payload["gate"])
    with gate.with_name(f"{context.job.pk}.waits").open("w"):
        while not gate.exists():
            check()
            time.sleep(POLL_SECONDS)


def sleep(context: JobContext) -> None:
    """A job that never comes back."""
    write_file(context)
    while True:
        time.sleep(3600)


def swallow(context: JobContext) -> None:
    """A job that never comes back, whatever is raised in it."""
    write_file(context)
    while True:
        with suppress(Exception):
            time.sleep(3600)


def eat(context: JobContext) -> None:
    """A job that takes 300 MB once; with payload `forever`, 500 MB until its process is killed, or the gate exists.

    It takes no more than that, so that a test that fails leaves memory to the others.
    """
    forever = context.job.payload.get("forever", False)
    eaten = [bytearray(10_000_000) for _ in range(50 if forever else 30)]
    if forever:
        stand_at_the_gate(context, context.check)
    del eaten


def crash(context: JobContext) -> None:
    """A job that ends its own process: by the signal of its payload, or with its exit code."""
    if "signal" in context.job.payload:
        os.kill(os.getpid(), context.job.payload["signal"])
    os._exit(context.job.payload["exit_code"])


def linger(context: JobContext) -> dict[str, Any]:
    """A job that takes `seconds`, and heeds `check()`."""
    write_file(context, seconds=context.job.payload["seconds"])
    note(context)
    return {"attempt": context.attempt.number}


def stumble(context: JobContext) -> dict[str, Any]:
    """A job whose first attempt fails."""
    if context.attempt.number == 1:
        write_file(context)
        raise RetryableError("not yet")
    return work(context)


def refuse(context: JobContext) -> None:
    """A job that cannot be done."""
    write_file(context)
    raise PermanentError("never", code="never")


def betray(context: JobContext) -> None:
    """A job whose error quotes a secret of its payload."""
    token = context.job.payload["token"]
    raise RetryableError(f"the partner refused {token}")


def regress(context: JobContext) -> dict[str, Any]:
    """A job whose code has a mistake, until somebody deploys a better one: then the gate exists."""
    if not Path(context.job.payload["gate"]).exists():
        return {"region": context.job.payload["region"]}
    return work(context)


def import_broken(context: JobContext) -> None:
    """A job whose code cannot be imported."""
    import tests.support.apps.faults.broken  # noqa: F401


def kind(name: str, handler: Handler, *, losses: int = 3, **options: Any) -> Kind:
    """Retried at once. `losses` in a row make it dead: many, for what chaos may kill again and again."""
    policy = RetryPolicy(max_attempts=50, max_lost_in_a_row=losses, first_delay_seconds=0.01, max_delay_seconds=0.01)
    return Kind(f"fault-{name}", "reports", handler, policy, **options)


KINDS = (
    kind("note", note),
    kind("work", work, losses=50),
    kind("betray", betray),
    kind("wait", wait),
    kind("write-much", write_much),
    kind("ignore", ignore),
    kind("sleep", sleep, stall_timeout_seconds=1),
    kind("swallow", swallow),
    kind("eat", eat),
    kind("crash", crash),
    kind("import", import_broken),
    kind("linger", linger, losses=50),
    kind("stumble", stumble, losses=50),
    kind("refuse", refuse, losses=50),
    Kind("fault-regress", "reports", regress, RetryPolicy(max_attempts=1)),
)
