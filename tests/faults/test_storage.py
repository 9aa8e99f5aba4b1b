"""A storage that is full, refuses, or loses what is written to it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.storage import storages

from jobs.dispatch.release import release_jobs
from jobs.dispatch.submission import submit_job
from jobs.files.artifacts import storage_name
from jobs.models import Job, Queue
from jobs.states import State
from tabular.dialect import Dialect
from tests.support.fault import Fault
from tests.support.waiting import wait_until


def order_rows(fault: Fault) -> Job:
    """A report of 6 MB, which waits until its queue goes on."""
    Queue.objects.filter(name="reports").update(paused=True)
    parameters = {"rows": 10_000, "seconds": 0}
    payload = {"reportType": "slow-rows", "parameters": parameters, "csv": Dialect().to_payload()}
    return submit_job(kind="report", owner=fault.owner, payload=payload)


def go_on() -> None:
    Queue.objects.filter(name="reports").update(paused=False)
    release_jobs("reports")


@pytest.fixture
def mount() -> Iterator[Callable[[Job, str], None]]:
    """Mount a file system in memory, with these options, where the job's file goes; again: change its options.

    It is asked for before `fault`, so that it outlasts its look at the files.
    """
    mounted: list[Path] = []

    def mount(job: Job, options: str) -> None:
        folder = Path(storages["artifacts"].path(job.pk.hex[-2:]))
        folder.mkdir(exist_ok=True, parents=True)
        again = ["remount", options] if folder in mounted else [options]
        command = ["mount", "-t", "tmpfs", "-o", ",".join(again), "tmpfs", str(folder)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode and not mounted:
            pytest.skip(f"this test needs the right to mount: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        mounted.append(folder)

    yield mount
    for folder in set(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def submit_waiting(fault: Fault) -> Job:
    """A job that writes 12 MB, and waits until its queue goes on."""
    fault.open_gate()
    Queue.objects.filter(name="reports").update(paused=True)
    return fault.submit("write-much")


def test_a_disk_that_fills_up_while_a_file_is_written_is_a_failure_that_may_pass(
    mount: Callable[[Job, str], None], fault: Fault
) -> None:
    job = submit_waiting(fault)
    mount(job, "size=4m")
    go_on()
    failed = fault.wait_for(job, State.FAILED)
    assert (failed.result or {})["error"]["code"] == "storage-full"
    assert list(Path(storages["artifacts"].path(job.pk.hex[-2:])).iterdir()) == []
    mount(job, "size=64m")
    fault.mend_until(job, State.SUCCEEDED)
    assert fault.outcomes(job) == ["failed", "succeeded"]


def test_a_storage_that_is_read_only_is_a_failure_that_may_pass(
    mount: Callable[[Job, str], None], fault: Fault
) -> None:
    job = submit_waiting(fault)
    mount(job, "size=64m")
    mount(job, "ro")
    go_on()
    failed = fault.wait_for(job, State.FAILED)
    assert "Read-only file system" in failed.error_message
    mount(job, "rw")
    fault.mend_until(job, State.SUCCEEDED)
    assert fault.outcomes(job) == ["failed", "succeeded"]


def test_a_storage_that_is_deleted_while_a_file_is_written_makes_no_false_report(fault: Fault) -> None:
    job = fault.submit("write-much")
    wait_until(lambda: fault.gate.with_name(f"{job.pk}.waits").exists(), message="a part of the file is written")
    shutil.rmtree(storages["artifacts"].path(""))
    fault.open_gate()
    failed = fault.wait_for(job, State.FAILED)
    assert (failed.result or {})["error"]["code"] == "file-lost"
    fault.mend_until(job, State.SUCCEEDED)
    assert fault.outcomes(job) == ["failed", "succeeded"]


def test_a_full_disk_is_a_failure_that_may_pass(fault: Fault) -> None:
    """/dev/full answers every write with ENOSPC, as a full disk does."""
    job = order_rows(fault)
    path = Path(storages["artifacts"].path(storage_name(job.pk, 1, "result")))
    path.parent.mkdir(exist_ok=True, parents=True)
    path.symlink_to("/dev/full")
    go_on()
    failed = fault.wait_for(job, State.FAILED)
    assert (failed.result or {})["error"] == {
        "code": "storage-full",
        "detail": "The storage has no space left for the file.",
        "retryable": True,
    }
    assert not path.is_symlink()
    assert fault.files() == set()
    done = fault.mend_until(job, State.SUCCEEDED)
    assert done.result == {"rowCount": 10_000}
    assert fault.outcomes(job) == ["failed", "succeeded"]


def test_a_storage_that_refuses_is_a_failure_that_may_pass(fault: Fault) -> None:
    job = order_rows(fault)
    folder = Path(storages["artifacts"].path(job.pk.hex[-2:]))
    hidden = folder.with_name("hidden")
    if folder.exists():
        folder.rename(hidden)
    folder.parent.mkdir(exist_ok=True, parents=True)
    folder.write_text("a file, where a folder is expected")
    go_on()
    failed = fault.wait_for(job, State.FAILED)
    assert failed.error_class in ("FileExistsError", "NotADirectoryError")
    folder.unlink()
    if hidden.exists():
        hidden.rename(folder)
    fault.mend_until(job, State.SUCCEEDED)
    assert fault.outcomes(job) == ["failed", "succeeded"]
