"""A Japanese user finds no English sentence: not on a page, and not in what a page says about a mistake."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from jobs.models import Job, Preferences, Queue
from jobs.states import State
from tests.support.accessible_pages import make_content, upload_pages, user_pages, visitor_pages
from tests.support.english_left import english_left
from tests.support.uploads import upload

pytestmark = pytest.mark.django_db(transaction=True)

#: What the API says in English, and what is in the admin's language.
ENGLISH: Final = ("/api", "/admin")
#: Files that are refused, or accepted with a warning, each for another reason.
FILES: Final = (
    b" \n\n", b"\xef\xbb\xbf", b"\n" * 20, b"a,b\n1,2\n", b",,\n1,2,3\n", b"sku,name\nA,B\n",
    b"sku,nmae,category,list_price\nA,B,C,1\n", b"sku,SKU,name\nA,B,C\n", b"sku,sku,name\nA,B,C\n",
    b'sku,na"me,category\nA,B,C\n', b'sku,name,"category\nA,B,C\n', b"PK\x03\x04" + b"x" * 30, b"%PDF-1.7", b"\x1f\x8b",
    b"<!doctype html><html>", b"<?xml version='1.0'?>", b'[{"a": 1}]', b"SQLite format 3\x00", b"{\\rtf1",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x89PNG\r\n\x1a\n", b"(B\x1b$B\n", b"sku\n\xff\x81\xfe\x9d\n",
    "sku,name,category,list_price\nA,Größe,Öl,1\n".encode("cp1252"), b"sep=x\nsku\n", b"sku,name\n\xe9\x80\n\xff\n",
)  # fmt: skip


@pytest.fixture
def japanese(client: Client, owner: User) -> Iterator[Client]:
    """The browser of a user whose pages are in Japanese."""
    Preferences.objects.create(user=owner, language="ja", time_zone="Asia/Tokyo")
    client.force_login(owner)
    with translation.override("ja"):
        yield client


def left(response: Any) -> list[str]:
    return english_left(response.text)


@pytest.mark.parametrize("group", [user_pages, upload_pages])
def test_no_page_has_an_english_sentence(group: Callable[[], Iterable[str]], japanese: Client, owner: User) -> None:
    make_content(owner)
    more = ("/preferences", "/preferences/password", "/offline") if group is user_pages else ()
    pages = [path for path in (*group(), *more) if not path.startswith(ENGLISH)]
    found = {path: left(japanese.get(path)) for path in pages}
    assert {path: texts for path, texts in found.items() if texts} == {}


def test_no_page_for_visitors_has_an_english_sentence(client: Client) -> None:
    paths = [path for path in visitor_pages() if not path.startswith(ENGLISH)]
    found = {path: left(client.get(path, headers={"Accept-Language": "ja"})) for path in (*paths, "/password/forgot")}
    assert {path: texts for path, texts in found.items() if texts} == {}


def test_no_refused_form_has_an_english_sentence(japanese: Client, settings: Settings) -> None:
    settings.TOKENS_PER_USER = 0
    recurrence = {"name": "x", "time_zone": "Asia/Tokyo", "every": "cron", "expression": "x", "parameters.year": "2023"}
    forms: list[tuple[str, dict[str, Any]]] = [
        ("/reports/new?type=yearly-sales", {"parameters.year": "1"}),
        ("/reports/new?type=order-lines", {"parameters.dateFrom": "x", "parameters.dateTo": "2024-13-01"}),
        ("/uploads/new?type=products", {}),
        ("/uploads/new?type=products", {"file": io.BytesIO(b""), "mode": "x", "headings": "x"}),
        ("/tokens", {}),
        ("/tokens", {"name": "x", "days": "1", "scopes": "reports:read"}),
        ("/schedules/new?kind=report&type=yearly-sales", {}),
        ("/schedules/new?kind=report&type=yearly-sales", {**recurrence, "callback_url": "ftp://x"}),
        ("/schedules/new?kind=report&type=yearly-sales", {**recurrence, "callback_url": "https://a:b@x.example/"}),
        ("/preferences", {"language": "xx", "time_zone": "x"}),
        ("/preferences/password", {"old_password": "x", "new_password1": "1", "new_password2": "2"}),
    ]
    answers = {(path, *given): japanese.post(path, given) for path, given in forms}
    assert 303 not in {answer.status_code for answer in answers.values()}
    found = {form: left(answer) for form, answer in answers.items()}
    assert {form: texts for form, texts in found.items() if texts} == {}


def test_a_full_queue_is_explained_in_japanese(japanese: Client, owner: User) -> None:
    make_content(owner)
    Queue.objects.filter(name="reports").update(max_queued=0)
    dead = Job.objects.get(state=State.DEAD)
    answers = [
        japanese.post("/reports/new?type=yearly-sales", {"parameters.year": "2021", "preset": "utf-8"}),
        japanese.post(f"/reports/{dead.pk}/retry"),
        japanese.post("/reports/selected", {"action": "retry", "job": str(dead.pk)}, follow=True),
    ]
    assert all("キュー「reports」に空きがありません。" in answer.text for answer in answers)
    assert [left(answer) for answer in answers] == [[], [], []]


def test_no_broken_file_is_explained_in_english(japanese: Client) -> None:
    asked = {"type": "products", "whole": "true"}
    kind = "application/octet-stream"
    answers = [japanese.post("/uploads/recognize", file, content_type=kind, query_params=asked) for file in FILES]
    assert {answer.status_code for answer in answers} == {200}
    found = {file[:40]: left(answer) for file, answer in zip(FILES, answers, strict=True)}
    assert {file: texts for file, texts in found.items() if texts} == {}


def test_an_upload_keeps_its_warnings_and_its_failure_in_japanese(japanese: Client, owner: User) -> None:
    rows = b"Title\nsku,name,category,list_price,extra,\nA-1,Bolt,Tools,1.50,x,\n"
    warned = upload(owner, "products", rows.decode())
    failed = upload(owner, "products", "sku,nmae,category,list_price\nA,B,C,1\n")
    assert warned.result
    assert failed.result
    written = warned.result["upload"]
    assert (
        [one["detail"] for one in written["warnings"]],
        written["encodingReason"],
        failed.result["error"]["detail"],
    ) == (
        [
            "見出しは2行目にあります。その前の1行は読み飛ばされました。",
            "列「extra」は不明なため、無視されます。",
            "6列目に見出しがありません。この列に値がある行はエラーになります。",
        ],
        "ファイル全体がASCIIで、UTF-8としても有効です。",
        "列「name」がありません。ファイルにあるのは「sku」、「nmae」、「category」、「list_price」です。"
        "「nmae」は「name」のことですか？",
    )
