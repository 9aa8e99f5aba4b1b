"""Submit jobs to real workers, kill what runs them, and wait for the outcome."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db.models.functions import Now

from jobs.dispatch.submission import submit_job
from jobs.maintenance.sweeps import SWEEPS
from jobs.models import Attempt, Job
from jobs.states import State
from tabular.dialect import Dialect
from tests.support.stack import Stack
from tests.support.waiting import wait_until


class Fault:
    """The steps that the fault tests share."""

    def __init__(self, stack: Stack, owner: User, folder: Path, files: Callable[[], set[str]]) -> None:
        self.stack = stack
        self.owner = owner
        self.gate = folder / "gate"
        self.journal = folder / "journal"
        self.files = files

    def submit(self, name: str, **payload: Any) -> Job:
        paths = {"gate": str(self.gate), "journal": str(self.journal)}
        return submit_job(kind=f"fault-{name}", owner=self.owner, payload={**paths, **payload})

    def order_slow_rows(self, *, rows: int, seconds: float) -> Job:
        parameters = {"rows": rows, "seconds": seconds}
        payload = {"reportType": "slow-rows", "parameters": parameters, "csv": Dialect().to_payload()}
        return submit_job(kind="report", owner=self.owner, payload=payload)

    def open_gate(self) -> None:
        self.gate.touch()

    def works_done(self) -> list[str]:
        """The ids of the jobs whose work was done, as often as it was."""
        return self.journal.read_text().split() if self.journal.exists() else []

    def wait_for(self, job: Job, *states: State, timeout: float = 20) -> Job:
        """Wait until the job is in one of these states."""

        def there() -> Job | None:
            return Job.objects.filter(pk=job.pk, state__in=states).first()

        found = wait_until(there, timeout=timeout, message=f"{job.kind} becomes {states}")
        assert found is not None
        return found

    def writing(self, job: Job) -> Attempt:
        """Wait until an attempt of the job has begun its file, and return the attempt."""
        self.wait_for(job, State.RUNNING)

        def begun() -> bool:
            attempt = Attempt.objects.filter(job=job).latest("number")
            return any(name.split("/")[1].startswith(f"{job.pk}.{attempt.number}.") for name in self.files())

        wait_until(begun, message="the attempt writes its file")
        return Attempt.objects.filter(job=job).latest("number")

    def mend(self) -> None:
        """Run all sweeps once, as Beat would; the backoff of failed jobs is over."""
        Job.objects.filter(state=State.FAILED).update(retry_at=Now())
        for sweep in SWEEPS.values():
            sweep()

    def mend_until(self, job: Job, *states: State, timeout: float = 20) -> Job:
        """Run the sweeps until the job is in one of these states."""

        def there() -> Job | None:
            self.mend()
            return Job.objects.filter(pk=job.pk, state__in=states).first()

        found = wait_until(there, timeout=timeout, every=0.2, message=f"{job.kind} becomes {states}")
        assert found is not None
        return found

    def pool_process_of(self, job: Job) -> int:
        """The process id of the pool process that runs the job: it has a file open that is named after it."""
        return wait_until(lambda: self.pids_that_write(f"{job.pk}."), message="a process has the file open")[0]

    def pids_that_write(self, name: str, *, worker: str = "worker-csv") -> list[int]:
        """The pool processes of a worker that have a file open whose name contains this."""
        return [pid for pid in self.stack.pool_pids(worker) if any(name in target for target in open_files(pid))]

    def story(self, job: Job) -> list[str]:
        """The names of the job's events."""
        return [event.name for event in job.events.all()]

    def outcomes(self, job: Job) -> list[str]:
        return list(Attempt.objects.filter(job=job).order_by("number").values_list("outcome", flat=True))


def open_files(pid: int) -> list[str]:
    """The names of the files that a process has open; none, when it has ended."""
    names = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                names.append(str(descriptor.readlink()))
    return names


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    os.kill(pid, number)
