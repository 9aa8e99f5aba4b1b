"""Workers that are killed while they write to object storage."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from config.storage import artifact_storage
from jobs.files.orphan_files import remove_orphans_in
from jobs.models import Artifact
from jobs.states import State
from tests.support import buckets
from tests.support.fault import Fault
from tests.support.stack import Stack
from tests.support.waiting import wait_until


@pytest.fixture
def files_in_s3(s3: str, settings: Settings) -> str:
    settings.STORAGES = {**settings.STORAGES, "artifacts": artifact_storage(buckets.storage_url(s3))}
    return s3


@pytest.fixture
def worker(files_in_s3: str, stack: Stack) -> Iterator[Stack]:
    """The worker for reports writes to the bucket; the next test gets its own back."""
    stack.stop("worker-csv")
    with stack.running("worker-csv", STORAGE_URL=buckets.storage_url(files_in_s3), **buckets.CREDENTIALS):
        yield stack


def test_the_upload_of_a_killed_worker_is_swept_and_the_job_is_done_again(
    files_in_s3: str, worker: Stack, fault: Fault
) -> None:
    job = fault.submit("write-much")
    wait_until(lambda: buckets.uploads(files_in_s3), message="the first part is uploaded")
    worker.kill("worker-csv")
    fault.open_gate()
    worker.start("worker-csv", STORAGE_URL=buckets.storage_url(files_in_s3), **buckets.CREDENTIALS)
    fault.mend_until(job, State.SUCCEEDED, timeout=40)
    artifact = Artifact.objects.get(job=job)
    remove_orphans_in(artifact.storage_name[:2])
    assert buckets.uploads(files_in_s3) == []
    assert buckets.keys(files_in_s3) == [f"{buckets.PREFIX}/{artifact.storage_name}"]
    assert fault.outcomes(job) == ["lost", "succeeded"]
