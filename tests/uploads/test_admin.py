"""Staff see files that still arrive, what they hold, which are stuck, and delete them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import AuditEntry
from tests.support.people import client_of_role
from tests.support.uploads import make_upload
from uploads.models import RememberedHeading, ResumableUpload, UploadPart

pytestmark = pytest.mark.django_db

LIST = "/admin/uploads/resumableupload/"


def arriving(
    owner: User, *, idle: timedelta = timedelta(), stored: int = 4, job_id: UUID | None = None
) -> ResumableUpload:
    """An upload of products that got its last bytes that long ago."""
    now = timezone.now()
    upload = ResumableUpload.objects.create(
        owner=owner, length_bytes=10, offset_bytes=10 if job_id else stored, filename="products.csv", job_id=job_id,
        order={"uploadType": "products", "mode": "atomic", "callbackURL": "https://example.com/hook?key=s3cret"},
        metadata="filename czNjcmV0LmNzdg==", created_at=now - timedelta(days=1),
        expires_at=now - idle + timedelta(hours=settings.RESUMABLE_UPLOAD_HOURS),
    )  # fmt: skip
    if stored and not job_id:
        UploadPart.objects.create(upload=upload, first_byte=0, size_bytes=stored, storage_name=f"00/{upload.pk}")
    return upload


def page_of(upload: ResumableUpload) -> str:
    return reverse("admin:uploads_resumableupload_change", args=[upload.pk])


def found(client: Client, **query: Any) -> set[object]:
    return {upload.pk for upload in client.get(LIST, query).context["cl"].result_list}


def test_stuck_uploads_are_found_and_the_bytes_that_they_hold_are_summed(owner: User) -> None:
    grace = User.objects.create_user("grace")
    fresh, stuck = arriving(owner), arriving(owner, idle=timedelta(hours=2), stored=7)
    done = arriving(grace, job_id=UUID(int=7))
    client = client_of_role("viewer")
    assert found(client) == {fresh.pk, stuck.pk, done.pk}
    assert found(client, state="unfinished") == found(client, owner="ada") == found(client, q="ada") == {
        fresh.pk, stuck.pk
    }  # fmt: skip
    assert found(client, state="stuck") == {stuck.pk}
    assert found(client, state="done") == found(client, q="grace") == found(client, q=UUID(int=7)) == {done.pk}
    assert len(found(client, q="products")) == 3
    assert client.get(LIST).context["held"] == {"uploads": 2, "bytes": 11, "stuck_uploads": 1, "stuck_bytes": 7}
    assert [client.get(page_of(each)).context["state"] for each in (fresh, stuck, done)] == [
        "arriving", "stuck", "has become an upload"
    ]  # fmt: skip


def test_the_page_shows_the_parts_and_no_secret_of_the_client(owner: User) -> None:
    upload = arriving(owner)
    page = client_of_role("viewer").get(page_of(upload))
    [parts] = page.context["tables"]
    assert parts.rows == [("0", "4", f"00/{upload.pk}")]
    text = page.content.decode()
    for expected in ("4 of 10", "products.csv", "callbackHost", "example.com"):
        assert expected in text
    for secret in ("s3cret", "czNjcmV0"):
        assert secret not in text


def test_the_pages_of_an_upload_and_of_its_job_link_to_each_other(owner: User) -> None:
    job = make_upload(owner, "products", b"sku,name,category,list_price\n")
    upload = arriving(owner, job_id=job.pk)
    client = client_of_role("viewer")
    job_page = reverse("admin:jobs_job_change", args=[job.pk])
    assert page_of(upload) in client.get(job_page).content.decode()
    assert job_page in client.get(page_of(upload)).content.decode()
    viewer = User.objects.get(username="viewer")
    viewer.groups.get().permissions.remove(*viewer.groups.get().permissions.filter(codename="view_resumableupload"))
    assert page_of(upload) not in client.get(job_page).content.decode()


def test_an_operator_deletes_an_upload_with_a_reason(owner: User) -> None:
    upload = arriving(owner)
    client = client_of_role("operator")
    assert [name for name, _ in client.get(page_of(upload)).context["buttons"]] == ["delete_uploads"]
    chosen = {"action": "delete_uploads", "_selected_action": [upload.pk]}
    assert "has to send the whole file again" in client.post(LIST, chosen).content.decode()
    answer = client.post(LIST, {**chosen, "post": "yes", "reason": "the disk is full"}, follow=True)
    assert "1 resumable upload deleted." in answer.content.decode()
    assert (ResumableUpload.objects.exists(), UploadPart.objects.exists()) == (False, False)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.reason, entry.target_id) == ("operator", "the disk is full", str(upload.pk))


def test_a_viewer_sees_no_action_and_can_do_none(owner: User) -> None:
    upload = arriving(owner)
    client = client_of_role("viewer")
    assert client.get(page_of(upload)).context["buttons"] == []
    assert "delete_uploads" not in client.get(LIST).content.decode()
    chosen = {"action": "delete_uploads", "_selected_action": [upload.pk]}
    client.post(LIST, {**chosen, "post": "yes", "reason": "r"})
    assert ResumableUpload.objects.exists()


def test_headings_that_a_user_has_matched_are_found_by_owner_and_type(owner: User) -> None:
    mine = RememberedHeading.objects.create(owner=owner, upload_type="products", heading="preis", column="Price")
    RememberedHeading.objects.create(owner=User.objects.create_user("grace"), upload_type="items", heading="preis")
    client = client_of_role("viewer")
    for query in ({"owner": "ada"}, {"q": "ada"}, {"q": "products"}, {"upload_type": "products"}):
        assert list(client.get("/admin/uploads/rememberedheading/", query).context["cl"].result_list) == [mine]
