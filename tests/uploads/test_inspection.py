"""What staff learn about an upload before they requeue it."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobs.kinds import inspector_of
from jobs.models import Artifact, Job
from jobs.payloads.masked import index_payload
from jobs.states import Level
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.uploads import make_upload, upload

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


def test_an_upload_without_its_file_would_fail(owner: User) -> None:
    Tenant.objects.create(code=owner.get_username())
    job = make_upload(owner, "items", ITEMS.encode())
    assert [finding.level for finding in inspector_of("upload").findings(job)] == [Level.OK]
    Artifact.objects.filter(job=job).delete()
    assert [finding.level for finding in inspector_of("upload").findings(job)] == [Level.OK, Level.WILL_FAIL]


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
