"""Jobs that real workers run, and what must hold after every fault."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from jobs import kinds
from jobs.dispatch.submission import submit_job
from jobs.files.orphan_files import FOLDERS, remove_orphans_in
from jobs.maintenance import sweeps  # noqa: F401  (registers the sweeps)
from jobs.maintenance.sweeping import SWEEPS
from jobs.models import Attempt, Job
from jobs.states import State
from tabular.dialect import Dialect
from tests.support.apps.faults.kinds import KINDS
from tests.support.invariants import assert_invariants
from tests.support.outages import commits_kept
from tests.support.stack import Stack
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def known_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process submits jobs of the kinds that the workers know through EXTRA_APPS."""
    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds, **{kind.name: kind for kind in KINDS}})


@pytest.fixture
def owner(stack: Stack) -> User:
    return User.objects.create_user("faults")


@pytest.fixture
def fault(stack: Stack, owner: User, tmp_path: Path, stored: Callable[[], set[str]], settings: Any) -> Iterator[Fault]:
    """Submit jobs, hurt what runs them; the invariants are looked at when the test has ended."""
    settings.ORPHAN_FILE_AGE_SECONDS = 0
    settings.REPUBLISH_AFTER_SECONDS = 2
    fault = Fault(stack, owner, tmp_path, stored)
    yield fault
    fault.open_gate()
    for folder in FOLDERS:
        remove_orphans_in(folder)
    assert_invariants(fault.files)


class Fault:
    """What the tests of this folder do again and again."""

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


@pytest.fixture
def durable(transactional_db: None) -> Iterator[None]:
    """For tests that kill PostgreSQL and count what it has."""
    with commits_kept():
        yield
