"""What chats and social networks show of a link: they fetch the page as a visitor, and read its head."""

import re
import struct
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from jobs.models import ShareLink
from jobs.sharing.signature import token_of
from tests.support.accessible_pages import make_content

pytestmark = pytest.mark.django_db

META = re.compile(r'<meta (?:property|name)="([a-z:]+)" content="([^"]*)"')
OURS = {
    "description": "Big CSV reports and uploads that never get lost.",
    "og:description": "Big CSV reports and uploads that never get lost.",
    "og:image": "http://longhaul.test/static/longhaul/card.png",
    "og:title": "Longhaul",
    "twitter:card": "summary_large_image",
}
SHARED = "Someone has shared this file with you."


@pytest.fixture(autouse=True)
def host(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["longhaul.test"]


def preview(client: Client, path: str) -> dict[str, str]:
    page = client.get(path, headers={"Host": "longhaul.test"}, follow=True).content.decode()
    return {name: text for name, text in META.findall(page) if name in OURS}


def test_only_a_shared_page_says_what_it_is_and_not_of_which_file(
    client: Client, owner: User, settings: Settings
) -> None:
    settings.SHARE_LINKS = True
    make_content(owner)
    link = ShareLink.objects.get()
    report = reverse("report-detail", args=[link.job_id])
    assert preview(client, report) == OURS  # the page of the sign-in
    shared = preview(client, reverse("shared", args=[token_of(link)]))
    assert shared == {**OURS, "description": SHARED, "og:description": SHARED}
    client.force_login(owner)
    assert preview(client, report) == OURS


def test_the_card_is_a_png_of_the_usual_size_and_light() -> None:
    png = Path(str(finders.find("longhaul/card.png"))).read_bytes()
    assert struct.unpack(">8s8xII", png[:24]) == (b"\x89PNG\r\n\x1a\n", 1200, 630)
    assert len(png) < 60_000


def test_browsers_without_svg_and_phones_have_icons(client: Client) -> None:
    assert client.get("/favicon.ico", headers={"Host": "longhaul.test"})["Location"] == "/static/longhaul/icon.ico"
    ico, touch = (Path(str(finders.find(f"longhaul/{name}"))).read_bytes() for name in ("icon.ico", "touch-icon.png"))
    assert struct.unpack("<HHH", ico[:6]) == (0, 1, 3)
    assert struct.unpack(">II", touch[16:24]) == (180, 180)
