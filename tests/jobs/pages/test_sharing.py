"""The forms that create and revoke links, on the page of a report."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from jobs.models import Artifact, Job, ShareLink
from jobs.pages.sharing import share_paths
from jobs.sharing.links import MAX_LIVE_LINKS, create_link
from jobs.sharing.signature import token_of
from jobs.states import State
from reports.pages.pages import ReportPages
from tests.support.page_text import words

MakeJob = Callable[..., Job]

pytestmark = pytest.mark.django_db

UNKNOWN = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.mark.parametrize(("term", "days"), [("1", 1), ("7", 7), ("longest", 10)])
def test_the_form_creates_a_link_and_the_page_shows_it(
    term: str, days: int, signed_in: Client, shareable: MakeJob, owner: User
) -> None:
    path = f"/reports/{shareable().pk}"
    before = timezone.now()
    response = signed_in.post(f"{path}/share", {"term": term})
    link = ShareLink.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"{path}?link={link.pk}#share")
    assert link.created_by == owner
    assert abs(link.expires_at - before - timedelta(days=days)) < timedelta(minutes=1)
    page = signed_in.get(response["Location"]).content.decode()
    assert f'<input id="share-link" value="http://testserver/shared/{token_of(link)}" readonly>' in page
    assert link.job.events.get().actor == "ada"


def test_a_link_is_revoked_once_however_often_it_is_clicked(signed_in: Client, shareable: MakeJob, owner: User) -> None:
    job = shareable()
    link = create_link(job.pk, creator=owner, days=1)
    path = f"/reports/{job.pk}"
    assert f'action="{path}/share/{link.pk}/revoke"' in signed_in.get(path).content.decode()
    for _ in range(2):
        response = signed_in.post(f"{path}/share/{link.pk}/revoke")
        assert (response.status_code, response["Location"]) == (302, f"{path}#share")
    assert list(job.events.values_list("name", "actor")) == [("share_created", "ada"), ("share_revoked", "ada")]
    assert str(link.pk) not in signed_in.get(path).content.decode()


@pytest.mark.parametrize("term", ["", "2", "0", "-1", "7.0", "forever"])
def test_another_term_is_refused(term: str, signed_in: Client, shareable: MakeJob) -> None:
    response = signed_in.post(f"/reports/{shareable().pk}/share", {"term": term})
    assert response.status_code == 422
    assert "The link was not created Choose how long the link works." in words(response)
    assert not ShareLink.objects.exists()


def test_a_file_that_expired_since_the_page_was_shown_is_not_shared(signed_in: Client, shareable: MakeJob) -> None:
    job = shareable()
    Artifact.objects.update(expires_at=timezone.now())
    response = signed_in.post(f"/reports/{job.pk}/share", {"term": "1"})
    assert response.status_code == 409
    assert "The link was not created The file cannot be downloaded any more." in words(response)
    assert "Share the file" not in words(response)


def test_the_maximum_is_told(signed_in: Client, shareable: MakeJob, owner: User) -> None:
    job = shareable()
    for _ in range(MAX_LIVE_LINKS):
        create_link(job.pk, creator=owner, days=1)
    sentence = "The file already has 20 links, which is the maximum. Revoke one first."
    page = signed_in.get(f"/reports/{job.pk}")
    assert sentence in words(page)
    assert "Create link" not in words(page)
    response = signed_in.post(f"/reports/{job.pk}/share", {"term": "1"})
    assert response.status_code == 409
    assert f"The link was not created {sentence}" in words(response)


def test_another_users_job_or_link_looks_like_an_unknown_one(
    signed_in: Client, shareable: MakeJob, owner: User
) -> None:
    bob = User.objects.create_user("bob")
    foreign, mine = shareable(owner=bob), shareable()
    link = create_link(foreign.pk, creator=bob, days=1)
    paths = [f"/reports/{job_id}/share" for job_id in (foreign.pk, UNKNOWN, "no-id")]
    paths += [f"/reports/{job_id}/share/{link.pk}/revoke" for job_id in (foreign.pk, UNKNOWN, mine.pk)]
    paths += [f"/reports/{mine.pk}/share/{link_id}/revoke" for link_id in (UNKNOWN, "no-id")]
    answers = [signed_in.post(path, {"term": "1"}) for path in paths]
    assert [answer.status_code for answer in answers] == [404] * len(paths)
    assert {words(answer) for answer in answers} == {words(answers[0])}
    assert ShareLink.objects.get().revoked_at is None


def test_the_page_does_not_show_the_link_of_another_job(signed_in: Client, shareable: MakeJob, owner: User) -> None:
    link = create_link(shareable().pk, creator=owner, days=1)
    for wanted in (link.pk, UNKNOWN, "no-id", ""):
        assert "share-link" not in signed_in.get(f"/reports/{shareable().pk}?link={wanted}").content.decode()


def test_the_forms_need_a_session_and_its_token(client: Client, shareable: MakeJob, owner: User) -> None:
    path = f"/reports/{shareable().pk}/share"
    response = client.post(path, {"term": "1"})
    assert (response.status_code, response["Location"]) == (302, f"/sign-in?next={path}")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert strict.post(path, {"term": "1"}).status_code == 403
    assert not ShareLink.objects.exists()


def test_a_get_leads_to_the_page_of_the_job(signed_in: Client, shareable: MakeJob) -> None:
    path = f"/reports/{shareable().pk}"
    for tail in ("share", f"share/{UNKNOWN}/revoke"):
        response = signed_in.get(f"{path}/{tail}")
        assert (response.status_code, response["Location"]) == (302, path)


def test_nothing_is_there_unless_sharing_is_on(
    signed_in: Client, shareable: MakeJob, owner: User, settings: Settings
) -> None:
    job = shareable()
    link = create_link(job.pk, creator=owner, days=1)
    settings.SHARE_LINKS = False
    path = f"/reports/{job.pk}"
    for tail in ("share", f"share/{link.pk}/revoke"):
        for method in (signed_in.get, signed_in.post):
            assert method(f"{path}/{tail}", {"term": "1"}).status_code == 404
    link.refresh_from_db()
    assert link.revoked_at is None
    assert (ShareLink.objects.count(), "Share" in words(signed_in.get(path))) == (1, False)


def test_an_active_job_has_no_panel(signed_in: Client, shareable: MakeJob) -> None:
    job = shareable(state=State.QUEUED)
    for tail in ("", "/live"):
        assert "Share the file" not in words(signed_in.get(f"/reports/{job.pk}{tail}"))


def test_a_kind_without_a_download_has_no_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [path.name for path in share_paths(ReportPages())] == ["report-page-share", "report-page-unshare"]
    monkeypatch.setattr(ReportPages.resource, "has_download", False)
    assert share_paths(ReportPages()) == []
