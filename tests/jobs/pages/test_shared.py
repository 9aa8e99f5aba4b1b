"""What a visitor with a link gets, and what those get whose link does not work."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from config import settings as our_settings
from jobs.files.damage import open_download
from jobs.interventions.purging import purge_jobs
from jobs.models import Artifact, Job, ShareLink
from jobs.sharing.links import create_link, revoke_link
from jobs.sharing.signature import token_of
from tests.support.page_text import words

MakeJob = Callable[..., Job]

pytestmark = pytest.mark.django_db

CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()
UNKNOWN = "01900000000070008000000000000001.AAAA"
ENDED = "This link does not work The link is incomplete, has expired or was revoked, or the file was deleted."


@pytest.fixture
def link(shareable: MakeJob, owner: User) -> ShareLink:
    return create_link(shareable(CONTENT).pk, creator=owner, days=7)


@pytest.fixture
def page(link: ShareLink) -> str:
    return f"/shared/{token_of(link)}"


def assert_private(response: Any) -> None:
    headers = {"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
    assert {name: response[name] for name in headers} == headers
    assert response.cookies == {}


def assert_ended(response: Any, status: int) -> None:
    assert response.status_code == status
    assert ENDED in words(response)
    assert response["Cache-Control"] == "private, no-store"
    assert_private(response)


def uses(link: ShareLink) -> tuple[int, int]:
    link.refresh_from_db()
    return link.use_count, link.job.events.filter(name__in=["share_used", "downloaded"]).count()


def test_the_page_tells_of_the_file_and_nothing_else(client: Client, page: str, link: ShareLink) -> None:
    response = client.get(page)
    until = f"{link.expires_at:%Y-%m-%d %H:%M} UTC"
    text = words(response)
    assert f"File sales.csv Content 1,234 rows Size 10.2 kB SHA-256 {DIGEST} Available until {until}" in text
    assert "Yearly sales" in text
    assert f'href="{page}/download"' in response.content.decode()
    assert (response.status_code, response["Cache-Control"]) == (200, "private, no-store")
    assert_private(response)
    for secret in ("ada", "1999", str(link.job_id), "csrf", "Sign"):
        assert secret not in response.content.decode()
    assert uses(link) == (0, 0), "to look at the page is no use"


def test_one_row_is_not_called_rows(client: Client, page: str) -> None:
    Artifact.objects.update(row_count=1)
    assert "Content 1 row Size" in words(client.get(page))


def test_a_type_that_is_gone_is_called_by_its_identifier(client: Client, page: str) -> None:
    Job.objects.update(type="retired")
    assert "<h1>retired</h1>" in client.get(page).content.decode()


def test_the_file_with_the_headers_of_the_api(client: Client, page: str, link: ShareLink) -> None:
    response: Any = client.get(f"{page}/download")
    assert (response.status_code, b"".join(response.streaming_content)) == (200, CONTENT)
    expected = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Length": "10240",
        "ETag": f'"{DIGEST}"',
        "Accept-Ranges": "bytes",
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(DIGEST)).decode()}:",
        "Cache-Control": "private, no-transform",
        "Content-Disposition": "attachment; filename=\"sales.csv\"; filename*=UTF-8''sales.csv",
    }
    assert {name: response[name] for name in expected} == expected
    assert_private(response)
    assert uses(link) == (1, 1)
    event = link.job.events.get(name="share_used")
    assert (event.actor, event.details) == ("", {"link": str(link.pk)})


@pytest.mark.parametrize(
    ("method", "headers", "status", "used"),
    [
        ("get", {}, 200, 1),
        ("head", {}, 200, 0),
        ("get", {"Range": "bytes=0-9"}, 206, 1),
        ("get", {"Range": "bytes=10-"}, 206, 0),
        ("get", {"Range": "bytes=-5"}, 206, 0),
        ("get", {"Range": "bytes=10240-"}, 416, 0),
        ("get", {"If-None-Match": f'"{DIGEST}"'}, 304, 0),
        ("get", {"If-Match": '"other"'}, 412, 0),
    ],
)
def test_only_a_download_from_the_first_byte_is_a_use(
    method: str, headers: dict[str, str], status: int, used: int, client: Client, page: str, link: ShareLink
) -> None:
    response: Any = getattr(client, method)(f"{page}/download", headers=headers)
    assert response.status_code == status
    assert_private(response)
    assert uses(link) == (used, used)
    if status == 206:
        assert b"".join(response.streaming_content) in CONTENT
    if status == 416:
        assert (json.loads(response.content)["code"], response["Content-Range"]) == (
            "range-not-satisfiable",
            "bytes */10240",
        )


def test_somebody_who_is_signed_in_is_not_named_either(client: Client, page: str, link: ShareLink) -> None:
    client.force_login(User.objects.create_user("bob"))
    assert "bob" not in client.get(page).content.decode()
    client.get(f"{page}/download")
    assert link.job.events.get(name="share_used").actor == ""
    assert not link.job.events.filter(name="downloaded").exists()


@pytest.mark.parametrize("tail", ["", "/download"])
@pytest.mark.parametrize("token", ["x", UNKNOWN, "é.é"])
def test_a_forged_token_is_404_without_a_query(
    token: str, tail: str, client: Client, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.SHARE_LINKS = True
    with django_assert_num_queries(0):
        response = client.get(f"/shared/{token}{tail}")
    assert_ended(response, 404)


@pytest.mark.parametrize("tail", ["", "/download"])
def test_a_link_that_was_deleted_with_its_job_is_404(tail: str, client: Client, page: str) -> None:
    Job.objects.all().delete()
    assert_ended(client.get(page + tail), 404)


def revoke(link: ShareLink) -> None:
    revoke_link(link.job_id, link.pk, actor="ada")


def expire(link: ShareLink) -> None:
    ShareLink.objects.update(expires_at=timezone.now())


def purge(link: ShareLink) -> None:
    purge_jobs([link.job_id], actor="ada")


def deactivate(link: ShareLink) -> None:
    User.objects.update(is_active=False)


@pytest.mark.parametrize("tail", ["", "/download"])
@pytest.mark.parametrize("end", [revoke, expire, purge, deactivate])
def test_a_link_that_has_ended_is_410(
    end: Callable[[ShareLink], None], tail: str, client: Client, page: str, link: ShareLink
) -> None:
    assert client.get(page).status_code == 200
    end(link)
    assert_ended(client.get(page + tail), 410)
    assert client.head(page + tail).status_code == 410
    assert uses(link) == (0, 0)


def test_a_resumed_download_ends_with_its_link(client: Client, page: str, link: ShareLink) -> None:
    headers = {"Range": "bytes=100-"}
    assert client.get(f"{page}/download", headers=headers).status_code == 206
    revoke(link)
    assert_ended(client.get(f"{page}/download", headers=headers), 410)


def test_a_link_revoked_after_it_was_found_sends_nothing(
    client: Client, page: str, link: ShareLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between finding the link and the first byte, its owner revokes it."""
    opened: list[Any] = []

    def open_then_revoke(*args: Any, **kwargs: Any) -> Any:
        opened.append(open_download(*args, **kwargs))
        revoke(link)
        return opened[0]

    monkeypatch.setattr("jobs.api.download.open_download", open_then_revoke)
    assert_ended(client.get(f"{page}/download"), 410)
    assert uses(link) == (0, 0)
    with pytest.raises(ValueError, match="closed"):
        next(opened[0])


def test_a_file_that_storage_has_lost_is_410_and_no_use(client: Client, page: str, link: ShareLink) -> None:
    storages["artifacts"].delete(Artifact.objects.get().storage_name)
    assert_ended(client.get(f"{page}/download"), 410)
    assert uses(link) == (0, 0)
    assert Artifact.objects.get().damaged_at is not None


@pytest.mark.parametrize("tail", ["", "/download"])
def test_links_are_off_by_default(tail: str, client: Client, page: str, settings: Settings) -> None:
    settings.SHARE_LINKS = our_settings.SHARE_LINKS
    assert settings.SHARE_LINKS is False
    for method in (client.get, client.head, client.post):
        response = method(page + tail)
        assert response.status_code == 404
        assert ENDED not in words(response)


@pytest.mark.parametrize("tail", ["", "/download"])
def test_only_get_and_head_are_allowed(tail: str, client: Client, page: str) -> None:
    response = client.post(page + tail)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


def test_the_page_and_the_download_cost_the_same_however_often(
    client: Client, page: str, link: ShareLink, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2):
        with django_assert_num_queries(2):  # the link with its job, the file
            client.get(page)
        with django_assert_num_queries(7):  # these; savepoint, job, link, event, release
            client.get(f"{page}/download")
        assert uses(link) == (number + 1, number + 1)
