"""What staff learn about an upload before they requeue it."""

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from jobs.kinds import inspector_of
from jobs.models import Artifact, Job
from jobs.payloads.masked import index_payload
from jobs.states import Level, State
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.ordering import assert_problem
from tests.support.tokens import client_of
from tests.support.undos import order_undo
from tests.support.uploads import make_upload, upload
from uploads.mending import MendedRows

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS = "Code,Name,Price\nA-1,Bolt,1\nA-2,Nut,x\nA-3,Screw,1\n"


def test_staff_see_what_an_upload_would_do(owner: User) -> None:
    Tenant.objects.create(code=owner.get_username())
    upload(owner, "items", "Code,Name,Price\nA-1,Bolt,2\n")
    job = make_upload(owner, "items", ITEMS.encode())
    said = inspector_of("upload").cost(job)
    assert said == ("The file has 3 rows. The upload would insert 1 and update 1; 0 are unchanged. 1 rows have errors.")
    assert Item.objects.get().price == 2
    unfit = make_upload(owner, "items", b"Code,Name\n1,2\n")
    assert (inspector_of("upload").cost(unfit) or "").startswith("The file would be refused (missing-column): ")
    pending = make_upload(owner, "items", ITEMS.encode(), mended=MendedRows("utf-8", ",", {3: None}).to_payload())
    assert inspector_of("upload").cost(pending) == (
        "The mended rows are not in the file yet. The upload puts them in when it runs."
    )


def test_an_upload_without_its_file_would_fail(owner: User) -> None:
    Tenant.objects.create(code=owner.get_username())
    job = make_upload(owner, "items", ITEMS.encode())
    assert [finding.level for finding in inspector_of("upload").findings(job)] == [Level.OK]
    Artifact.objects.filter(job=job).delete()
    assert [finding.level for finding in inspector_of("upload").findings(job)] == [Level.OK, Level.WILL_FAIL]


def test_an_undo_reads_no_uploaded_file_but_what_the_upload_has_kept(owner: User) -> None:
    Tenant.objects.create(code=owner.get_username())
    done = upload(owner, "items", "Code,Name,Price\nA-1,Bolt,2\n")
    job = order_undo(done)
    inspector = inspector_of("upload")
    assert [finding.level for finding in inspector.findings(job)] == [Level.OK]
    assert inspector.cost(job) == "The undo would take back up to 1 rows."
    Job.objects.filter(pk=job.pk).update(state=State.DEAD)
    client = client_of(owner)
    Artifact.objects.filter(job=done, role="before").update(deleted_at=Now())
    assert [finding.level for finding in inspector.findings(job)] == [Level.OK, Level.WILL_FAIL]
    refused = assert_problem(client.post(f"/api/uploads/{job.pk}/retry"), 409, "not-retryable")
    assert refused["detail"] == "The old values of the rows have expired."
    Artifact.objects.filter(job=done, role="before").update(deleted_at=None)
    assert client.post(f"/api/uploads/{job.pk}/retry").status_code == 202


def test_the_pages_of_an_upload_and_of_its_correction_link_to_each_other(owner: User, admin_client: Client) -> None:
    Tenant.objects.create(code=owner.get_username())
    rejected = upload(owner, "items", ITEMS, mode="partial")
    assert "Related jobs" not in _page(admin_client, rejected)
    mended = upload(owner, "items", "Code,Name,Price\nA-2,Nut,2\n", corrects=str(rejected.pk))
    index_payload(mended)
    for job, other, relation in (
        (rejected, mended, "corrects this upload"),
        (mended, rejected, "corrected by this upload"),
    ):
        page = _page(admin_client, job)
        assert "1 of 1 rejected rows are now in. Of all rows of the first file, 3 of 3 are in." in page
        _, _, shown = page.partition("Related jobs")
        assert reverse("admin:jobs_job_change", args=[other.pk]) in shown
        assert f"<td>{relation}</td>" in shown


def _page(client: Client, job: Job) -> str:
    answer = client.get(reverse("admin:jobs_job_change", args=[job.pk]))
    assert answer.status_code == 200
    return answer.content.decode()
