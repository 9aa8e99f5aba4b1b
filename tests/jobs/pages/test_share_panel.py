"""The panel lists the live links, and offers the terms that make sense."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.models import Artifact, Job, ShareLink
from jobs.pages.share_panel import terms_for
from jobs.sharing.links import create_link, revoke_link
from jobs.sharing.visits import record_use
from tests.support.page_text import words

MakeJob = Callable[..., Job]

pytestmark = pytest.mark.django_db

DAY, WEEK, FILE = ("1", "1 day"), ("7", "7 days"), ("longest", "until the file expires")


@pytest.mark.parametrize(
    ("kept", "most", "offered"),
    [
        (10, 30, [DAY, WEEK, FILE]),
        (3, 30, [DAY, FILE]),
        (0.5, 30, [FILE]),
        (90, 30, [DAY, WEEK, ("longest", "30 days")]),
        (None, 30, [DAY, WEEK, ("longest", "30 days")]),
        (10, 7, [DAY, ("longest", "7 days")]),
        (10, 1, [("longest", "1 day")]),
        (3, 7, [DAY, FILE]),
    ],
)
def test_the_terms_end_with_the_file_or_the_maximum(
    kept: float | None, most: int, offered: list[tuple[str, str]], settings: Settings
) -> None:
    settings.SHARE_LINK_MAX_DAYS = most
    expiry = timezone.now() + timedelta(days=kept) if kept else None
    assert terms_for(Artifact(expires_at=expiry)) == offered


def test_live_links_are_listed_with_their_uses(client: Client, shareable: MakeJob, owner: User) -> None:
    client.force_login(owner)
    job = shareable()
    used, unused, revoked = (create_link(job.pk, creator=owner, days=days) for days in (1, 7, 1))
    revoke_link(job.pk, revoked.pk, actor="ada")
    for _ in range(3):
        record_use(used)
    used.refresh_from_db()
    minute = "%Y-%m-%d %H:%M UTC"
    rows = [
        f"{link.created_at:{minute}} {link.expires_at:{minute}} {uses} Show link Revoke"
        for link, uses in ((unused, "0 never"), (used, f"3 {used.last_used_at:{minute}}"))
    ]
    for link in (used, unused):
        link.refresh_from_db()
    assert " ".join(rows) in words(client.get(f"/reports/{job.pk}"))


@pytest.mark.parametrize("links", [0, 1, 20])
def test_the_panel_costs_one_query_however_many_links(
    links: int,
    client: Client,
    shareable: MakeJob,
    owner: User,
    settings: Settings,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client.force_login(owner)
    job = shareable()
    for _ in range(links):
        create_link(job.pk, creator=owner, days=1)
    newest = ShareLink.objects.order_by("pk").last()
    path = f"/reports/{job.pk}?link={newest.pk if newest else ''}"
    settings.SHARE_LINKS = False
    with django_assert_num_queries(5):  # session, user, preferences, job with its file, its story
        client.get(path)
    settings.SHARE_LINKS = True
    with django_assert_num_queries(6):
        client.get(path)
