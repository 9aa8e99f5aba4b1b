"""What the pages weigh on the wire, compressed as a server with collected static files sends them."""

import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client

from jobs.models import Job
from tests.support.accessible_pages import (
    admin_forms,
    admin_lists,
    admin_work,
    call_pages,
    make_content,
    upload_pages,
    user_pages,
    visitor_pages,
)

pytestmark = pytest.mark.django_db

#: Bytes: of a page with all that it loads, and of the page alone, once the browser has kept the rest.
FIRST, LATER = 80_000, 15_000
ADMIN_FIRST, ADMIN_LATER = 300_000, 30_000
LINKED: Final = re.compile(r'(?:src|href)="/static/([^"]+\.(?:js|css|svg))"')
#: What a style sheet loads, such as a font.
LOADED: Final = re.compile(r'url\("?([^")]+\.woff2)"?\)')
#: Those of drf-spectacular, with the reader of the OpenAPI schema.
NOT_OURS: Final = ("/api/docs", "/admin/login/")


@cache
def weight_of_file(name: str) -> int:
    """Of a file and what it loads itself."""
    found = finders.find(name)
    assert isinstance(found, str), name
    content = Path(found).read_bytes()
    loaded = LOADED.findall(content.decode()) if name.endswith(".css") else []
    folder = name.rpartition("/")[0]
    return len(gzip.compress(content, 9)) + sum(weight_of_file(f"{folder}/{file}") for file in loaded)


def weights(client: Client, path: str) -> tuple[int, int]:
    """Of the first and of a later visit."""
    response = client.get(path, follow=True)
    page = len(gzip.compress(response.content, 6))
    text = response.content.decode()
    if 'src="/admin/jsi18n/"' in text:  # which browsers keep, too, but not for long
        page += len(gzip.compress(client.get("/admin/jsi18n/").content, 6))
    return page + sum(map(weight_of_file, set(LINKED.findall(text)))), page


@pytest.fixture
def ada(client: Client, owner: User) -> Client:
    make_content(owner)
    client.force_login(owner)
    return client


def heavy_ones(
    client: Client, paths: Iterable[str], *, most: tuple[int, int] = (FIRST, LATER)
) -> dict[str, tuple[int, int]]:
    weighed = {path: weights(client, path) for path in paths if path not in NOT_OURS}
    assert weighed
    return {path: found for path, found in weighed.items() if found[0] > most[0] or found[1] > most[1]}


def test_no_page_of_a_user_is_heavy(ada: Client) -> None:
    assert heavy_ones(ada, user_pages()) == {}


def test_no_page_of_a_visitor_is_heavy(client: Client) -> None:
    assert heavy_ones(client, visitor_pages()) == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pages", [upload_pages, call_pages])
def test_no_page_of_another_kind_is_heavy(ada: Client, pages: Callable[[], Iterable[str]]) -> None:
    assert heavy_ones(ada, pages()) == {}


def test_no_page_of_the_admin_is_heavy(client: Client, owner: User) -> None:
    make_content(owner)
    Job.objects.bulk_create(
        Job(owner=owner, kind="report", type="yearly-sales", queue="reports", payload={}, max_attempts=5)
        for _ in range(50)
    )
    User.objects.update(is_staff=True, is_superuser=True)
    client.force_login(owner)
    assert heavy_ones(client, every_admin_page(), most=(ADMIN_FIRST, ADMIN_LATER)) == {}


def test_a_list_loads_no_scripts_for_slugs(admin_client: Client) -> None:
    scripts = LINKED.findall(admin_client.get("/admin/jobs/job/").text)
    assert "admin/js/actions.js" in scripts
    assert [name for name in scripts if "xregexp" in name or "urlify" in name or "prepopulate" in name] == []


def every_admin_page() -> Iterator[str]:
    yield "/admin/jobs/job/groups/"
    yield from admin_lists(every=True)
    yield from admin_work()
    yield from admin_forms(every=True)


def test_the_measure_sees_the_font_of_the_admin(client: Client) -> None:
    font = finders.find("longhaul/icons/icons.woff2")
    assert isinstance(font, str)
    assert weight_of_file("longhaul/admin.css") > Path(font).stat().st_size > 5_000


def test_the_measure_sees_all_that_a_page_loads(ada: Client) -> None:
    first, later = weights(ada, "/")
    assert first - later > weight_of_file("longhaul/longhaul.css") + weight_of_file("longhaul/live.js") > 5_000
