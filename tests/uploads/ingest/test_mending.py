"""Mended rows are put into the stored file once, by whichever attempt comes so far, and never by halves."""

import gc
import tracemalloc
from contextlib import closing
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db.models import F
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.errors import LeaseLostError
from jobs.files.artifacts import open_artifact_range
from jobs.files.storage import artifact_storage
from jobs.models import Artifact, Job
from jobs.states import State
from jobs.worker.transitions import claim_job
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.uploads import file_of, make_upload, run, upload
from uploads.ingest.mending import with_mended_rows
from uploads.ingest.source import source_of
from uploads.mending import MendedRows
from uploads.repeating import Repetition, repeat_upload
from uploads.types import UPLOAD_TYPES

BAD = b"Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,cheap\n"
MENDED = b"Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,0.20\n"
ROWS = MendedRows("utf-8", ",", {3: {2: "0.20"}})

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def tenant(owner: User) -> Tenant:
    return Tenant.objects.create(code=owner.get_username())


def ordered(owner: User, data: bytes = BAD, rows: MendedRows = ROWS) -> Job:
    failed = upload(owner, "items", data)
    assert failed.state == State.DEAD
    return repeat_upload(owner=owner, upload=failed, repetition=Repetition(dry_run=False, mended=rows))


def begun(job: Job) -> JobContext:
    """The context of an attempt that has just been claimed."""
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, released_at=F("created_at"))
    attempt = claim_job(job.pk, worker="w", celery_task_id="t", lease_seconds=60)
    assert attempt is not None
    return JobContext(attempt, lease_seconds=60)


def mend(context: JobContext) -> Artifact:
    upload_type: Any = UPLOAD_TYPES.find("items")
    return with_mended_rows(context, upload_type, source_of(context.job))


def stored_for(job: Job) -> set[str]:
    """The names in storage of the files that the attempts of the job have written."""
    folder = job.pk.hex[-2:]
    return {f"{folder}/{name}" for name in storages["artifacts"].listdir(folder)[1] if name.startswith(str(job.pk))}


def test_the_new_file_takes_the_place_of_the_former_one(owner: User) -> None:
    job = ordered(owner)
    former = Artifact.objects.get(job=job, role=Artifact.Role.SOURCE)
    context = begun(job)
    new = mend(context)
    assert (file_of(job, Artifact.Role.SOURCE), new.pk, new.filename) == (MENDED, former.pk, "rows-mended.csv")
    assert not storages["artifacts"].exists(former.storage_name)
    assert context.job.payload == Job.objects.get(pk=job.pk).payload
    assert MendedRows.pending_in(context.job.payload) is None
    assert mend(context).storage_name == new.storage_name


def test_an_attempt_that_lost_its_lease_leaves_the_former_file(owner: User) -> None:
    job = ordered(owner)
    storages["artifacts"].save(f"{job.pk.hex[-2:]}/keep", ContentFile(b""))  # the folder
    former = Artifact.objects.get(job=job, role=Artifact.Role.SOURCE)
    late, current = begun(job), begun(job)
    with pytest.raises(LeaseLostError):
        mend(late)
    assert (file_of(job, Artifact.Role.SOURCE), Artifact.objects.get(pk=former.pk)) == (BAD, former)
    assert stored_for(job) == set()
    mend(current)
    assert file_of(job, Artifact.Role.SOURCE) == MENDED


def test_an_attempt_that_dies_afterwards_leaves_a_file_that_the_next_one_reads(owner: User) -> None:
    job = ordered(owner)
    mend(begun(job))
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, released_at=Now())
    done = run(job)
    assert (done.state, list(Item.objects.order_by("code").values_list("code", flat=True))) == (
        State.SUCCEEDED,
        ["A-1", "A-2"],
    )


def test_a_damaged_file_is_not_mended(owner: User) -> None:
    job = ordered(owner)
    source = Artifact.objects.get(job=job, role=Artifact.Role.SOURCE)
    file = artifact_storage().open_for_writing(source.storage_name)
    file.write(BAD.replace(b"Bolt", b"Bilt"))
    file.close()
    failed = run(job)
    assert (failed.state, failed.error_class) == (State.FAILED, "jobs.errors.ArtifactDamagedError")
    assert MendedRows.pending_in(failed.payload) == ROWS


def test_a_row_that_is_not_in_the_file_fails_the_upload(owner: User) -> None:
    dead = run(ordered(owner, rows=MendedRows("utf-8", ",", {9: None})))
    assert (dead.state, dead.error_message) == (
        State.DEAD,
        "The mended rows could not be put into the file. Mend them in the file itself, and upload it.",
    )


def test_a_canceled_one_hands_its_mended_rows_on_with_the_file(owner: User) -> None:
    job = ordered(owner)
    Job.objects.filter(pk=job.pk).update(state=State.CANCELLED)
    again = repeat_upload(owner=owner, upload=Job.objects.get(pk=job.pk), repetition=Repetition(dry_run=True))
    assert run(again).state == State.SUCCEEDED
    assert file_of(again, Artifact.Role.SOURCE) == MENDED


def test_a_file_of_32_mib_takes_no_more_memory_than_a_small_one(owner: User) -> None:
    job = ordered(owner)
    line = b"A-3,Screw,1\n"
    data = BAD + line * (32 * 1024 * 1024 // len(line))
    big = make_upload(owner, "items", data, mended=job.payload["mended"])
    del data
    context = begun(big)
    gc.collect()
    tracemalloc.start()
    try:
        mend(context)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * 1024 * 1024, peak  # the headings are looked for in the first 2 MiB
    with closing(open_artifact_range(source_of(big), first=0, last=len(MENDED) - 1)) as head:
        assert b"".join(head) == MENDED
