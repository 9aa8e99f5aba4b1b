"""A storage that is full, or refuses."""

from pathlib import Path

from django.core.files.storage import storages

from jobs.artifacts import storage_name
from jobs.models import Job, Queue
from jobs.release import release_jobs
from jobs.states import State
from jobs.submission import submit_job
from reports.dialect import Dialect
from tests.faults.conftest import Fault


def order_rows(fault: Fault) -> Job:
    """A report of 6 MB, which waits until its queue goes on."""
    Queue.objects.filter(name="reports").update(paused=True)
    parameters = {"rows": 10_000, "seconds": 0}
    payload = {"reportType": "slow-rows", "parameters": parameters, "csv": Dialect().to_payload()}
    return submit_job(kind="report", owner=fault.owner, payload=payload)


def go_on() -> None:
    Queue.objects.filter(name="reports").update(paused=False)
    release_jobs("reports")


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
        "detail": "There is no room for the file.",
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
