"""Staff see who shared what, and end a link."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from jobs.models import AuditEntry, Job, ShareLink
from jobs.sharing.links import create_link
from jobs.sharing.signature import token_of

pytestmark = pytest.mark.django_db

LIST = "/admin/jobs/sharelink/"
MakeJob = Callable[..., Job]
Member = Callable[[str], Client]


def page_of(link: ShareLink) -> str:
    return reverse("admin:jobs_sharelink_change", args=[link.pk])


def found(client: Client, **query: Any) -> set[object]:
    return {link.pk for link in client.get(LIST, query).context["cl"].result_list}


def test_links_are_found_by_owner_job_id_and_state(member: Member, shareable: MakeJob, owner: User) -> None:
    grace = User.objects.create_user("grace")
    job, other = shareable(), shareable(owner=grace)
    live, revoked, expired = (create_link(job.pk, creator=owner, days=1) for _ in range(3))
    of_grace = create_link(other.pk, creator=grace, days=1)
    ShareLink.objects.filter(pk=revoked.pk).update(revoked_at=Now())
    ShareLink.objects.filter(pk=expired.pk).update(expires_at=Now() - timedelta(hours=1))
    client = member("viewer")
    mine = {live.pk, revoked.pk, expired.pk}
    assert found(client) == {*mine, of_grace.pk}
    assert found(client, owner="ada") == found(client, q="ada") == found(client, q=job.pk) == mine
    assert found(client, job=job.pk) == mine
    assert found(client, q=live.pk) == {live.pk}
    assert found(client, q="nobody") == found(client, owner="nobody") == set()
    assert found(client, state="live") == {live.pk, of_grace.pk}
    assert found(client, state="revoked") == {revoked.pk}
    assert found(client, state="expired") == {expired.pk}


def test_the_page_says_whose_file_it_is_and_never_shows_the_address(
    member: Member, shareable: MakeJob, owner: User
) -> None:
    job = shareable()
    link = create_link(job.pk, creator=owner, days=1)
    client = member("viewer")
    shown = client.get(page_of(link))
    text = shown.content.decode()
    for expected in (
        "sales.csv, 10 bytes",
        reverse("admin:jobs_job_change", args=[job.pk]),
        "?owner=ada",
        "Share link",
    ):
        assert expected in text
    assert token_of(link) not in text + client.get(LIST).content.decode()
    assert f"{LIST}?job={job.pk}" in client.get(reverse("admin:jobs_job_change", args=[job.pk])).content.decode()


def test_an_operator_revokes_links_with_a_reason(member: Member, shareable: MakeJob, owner: User) -> None:
    job = shareable()
    link, other = (create_link(job.pk, creator=owner, days=1) for _ in range(2))
    client = member("operator")
    assert "Revoke…" in client.get(page_of(link)).content.decode()
    chosen = {"action": "revoke_links", "_selected_action": [link.pk]}
    asked = client.post(LIST, chosen)
    assert asked.status_code == 200
    assert str(link.pk) in asked.content.decode()
    assert client.post(LIST, {**chosen, "post": "yes", "reason": ""}).context["form"].errors.keys() == {"reason"}
    assert ShareLink.objects.filter(revoked_at=None).count() == 2
    answer = client.post(LIST, {**chosen, "post": "yes", "reason": "wrong list"}, follow=True)
    assert answer.redirect_chain == [(page_of(link), 302)]
    assert "1 share link revoked." in answer.content.decode()
    assert "wrong list" in answer.content.decode()
    assert "Revoke…" not in answer.content.decode()
    assert list(ShareLink.objects.filter(revoked_at=None)) == [other]
    assert AuditEntry.objects.latest("pk").actor == "operator"


def test_a_viewer_sees_no_action_and_can_do_none(member: Member, shareable: MakeJob, owner: User) -> None:
    link = create_link(shareable().pk, creator=owner, days=1)
    client = member("viewer")
    assert client.get(page_of(link)).context["buttons"] == []
    assert "revoke_links" not in client.get(LIST).content.decode()
    client.post(LIST, {"action": "revoke_links", "_selected_action": [link.pk], "post": "yes", "reason": "r"})
    assert ShareLink.objects.get().revoked_at is None
    assert client.post(page_of(link)).status_code == 403


def test_the_page_says_why_a_live_link_does_not_work(
    member: Member, shareable: MakeJob, owner: User, settings: Settings
) -> None:
    link = create_link(shareable().pk, creator=owner, days=1)
    client = member("viewer")
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert "while the account of the owner is deactivated" in client.get(page_of(link)).content.decode()
    settings.SHARE_LINKS = False
    assert "while SHARE_LINKS is off" in client.get(page_of(link)).content.decode()


@pytest.mark.parametrize("query", ["job__payload__year=1", "created_by__password__startswith=a", "id__gt=0"])
def test_a_url_looks_for_nothing_but_filters(member: Member, query: str) -> None:
    assert member("viewer").get(f"{LIST}?{query}").status_code == 400


def test_a_selection_of_anything_but_ids_is_refused(member: Member) -> None:
    answer = member("operator").post(LIST, {"action": "revoke_links", "_selected_action": ["x"]}, follow=True)
    assert "The selection contains something that is not a share link." in answer.content.decode()
