"""Staff delete resumable uploads of any owner, with their bytes."""

from collections.abc import Callable
from uuid import UUID

import pytest

from jobs.models import AuditEntry
from uploads.models import ResumableUpload
from uploads.resumable.claiming import take_over
from uploads.resumable.errors import OvertakenError
from uploads.resumable.receiving import receive_parts
from uploads.resumable.removing import delete_uploads

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., ResumableUpload]
Stored = Callable[[], set[str]]


def test_an_unfinished_upload_is_deleted_with_its_bytes(make: Make, stored: Stored) -> None:
    upload, other = make(10), make(10)
    for each in (upload, other):
        receive_parts(take_over(each), [b"abc"], None)
    assert delete_uploads([upload.pk], actor="ida", reason="it fills the disk").changed == [upload.pk]
    assert (list(ResumableUpload.objects.all()), len(stored())) == ([other], 1)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target_type, entry.target_id) == ("delete", "resumable upload", str(upload.pk))
    assert (entry.actor, entry.reason) == ("ida", "it fills the disk")
    assert entry.before == {"owner": "ada", "file": "items.csv", "bytes": 3, "length": 10}


def test_a_request_that_is_sending_it_stores_nothing_more(make: Make, stored: Stored) -> None:
    upload = make(10)
    sending = take_over(upload)
    delete_uploads([upload.pk], actor="ida", reason="r")
    with pytest.raises(OvertakenError):
        receive_parts(sending, [b"abc"], None)
    assert stored() == set()


def test_an_upload_that_has_become_a_job_or_is_gone_is_refused(make: Make) -> None:
    upload, job_id, unknown = make(10), UUID(int=7), UUID(int=0)
    ResumableUpload.objects.filter(pk=upload.pk).update(offset_bytes=10, job_id=job_id)
    outcome = delete_uploads([upload.pk, unknown], actor="ida", reason="r")
    assert outcome.refused == {upload.pk: f"it has become the job {job_id}", unknown: "it is already gone"}
    assert (outcome.changed, AuditEntry.objects.exists()) == ([], False)
    assert ResumableUpload.objects.filter(pk=upload.pk).exists()


def test_a_reason_is_required(make: Make) -> None:
    upload = make(10)
    with pytest.raises(ValueError, match="reason"):
        delete_uploads([upload.pk], actor="ida", reason=" ")
    assert ResumableUpload.objects.filter(pk=upload.pk).exists()
