"""What the pages weigh on the wire, compressed as a server with collected static files sends them."""

import gzip
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client

from tests.support.accessible_pages import make_content, user_pages, visitor_pages

pytestmark = pytest.mark.django_db

#: Bytes: of a page with all that it loads, and of the page alone, once the browser has kept the rest.
FIRST, LATER = 80_000, 15_000
LINKED: Final = re.compile(r'(?:src|href)="/static/([^"]+\.(?:js|css|svg))"')
#: Those of drf-spectacular, with the reader of the OpenAPI schema.
NOT_OURS: Final = ("/api/docs", "/admin/login/")


@cache
def weight_of_file(name: str) -> int:
    found = finders.find(name)
    assert isinstance(found, str), name
    return len(gzip.compress(Path(found).read_bytes(), 9))


def weights(client: Client, path: str) -> tuple[int, int]:
    """Of the first and of a later visit."""
    html = client.get(path).content
    page = len(gzip.compress(html, 6))
    return page + sum(map(weight_of_file, set(LINKED.findall(html.decode())))), page


@pytest.fixture
def ada(client: Client, owner: User) -> Client:
    make_content(owner)
    client.force_login(owner)
    return client


def heavy_ones(client: Client, paths: Iterable[str]) -> dict[str, tuple[int, int]]:
    weighed = {path: weights(client, path) for path in paths if path not in NOT_OURS}
    assert weighed
    return {path: (first, later) for path, (first, later) in weighed.items() if first > FIRST or later > LATER}


def test_no_page_of_a_user_is_heavy(ada: Client) -> None:
    assert heavy_ones(ada, user_pages()) == {}


def test_no_page_of_a_visitor_is_heavy(client: Client) -> None:
    assert heavy_ones(client, visitor_pages()) == {}


def test_the_measure_sees_all_that_a_page_loads(ada: Client) -> None:
    first, later = weights(ada, "/")
    assert first - later > weight_of_file("longhaul/longhaul.css") + weight_of_file("longhaul/live.js") > 5_000
