"""What the form says about a chosen file, before it is sent."""

import html
import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from jobs.models import Job
from tests.support.page_text import words
from uploads.models import RememberedHeading
from uploads.pages.file_head import show_head
from uploads.recognizing import HEAD_BYTES, recognize_head
from uploads.remembering import remember_headings
from uploads.types import UPLOAD_TYPES

pytestmark = pytest.mark.django_db

HEADINGS = re.compile(r'name="headings" value="([^"]*)"')
CHOSEN = re.compile(r'data-heading="([^"]*)".*?(?:<option selected>([^<]*)</option>.*?)?</select>', re.DOTALL)


def ask(client: Client, data: bytes, **query: str) -> Any:
    asked = {"type": "items", "whole": "true", **query}
    return client.post("/uploads/recognize", data, content_type="application/octet-stream", query_params=asked)


def headings_in(answer: Any) -> Any:
    found = HEADINGS.search(answer.content.decode())
    return json.loads(html.unescape(found[1])) if found else None


def test_columns_samples_and_what_is_missing_are_shown(
    signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(5):  # session, user, preferences, remembered headings; the type asks for the tenant
        answer = ask(signed_in, b"CODE;Name;Colour\r\nA-1;Bolt;red\r\nA-2;Nut;\r\n")
    text = words(answer)
    assert (answer.status_code, answer["X-Fragment"]) == (200, "1")
    assert "Encoding: UTF-8 (The beginning of the file is valid UTF-8) Delimiter: Semicolon ;" in text
    assert "This required column is missing: Price Match the columns of the file below." in text
    assert "CODE A-1 · A-2" in text
    assert 'data-says="The columns of the file do not fit yet."' in answer.content.decode()
    assert headings_in(answer) is None
    assert CHOSEN.findall(answer.content.decode()) == [("CODE", "Code"), ("Name", "Name"), ("Colour", "")]


def test_a_match_by_hand_becomes_a_part_of_the_order(signed_in: Client) -> None:
    given = json.dumps({"Code": "Code", "Name": "Name", "Cost": "Price", "Weight": None})
    answer = ask(signed_in, b"Code,Name,Cost,Weight\nA,Bolt,1,2\n", headings=given)
    assert headings_in(answer) == {"Cost": "Price", "Weight": None}
    assert "All required columns were found." in words(answer)


def test_earlier_matches_are_offered_and_can_be_replaced(signed_in: Client, owner: User) -> None:
    remember_headings(owner, "items", {"Cost": "Price"})
    remember_headings(User.objects.create_user("eve"), "items", {"Cost": "Weight"})
    data = b"Code,Name,COST\nA,Bolt,1\n"
    answer = ask(signed_in, data)
    assert headings_in(answer) == {"COST": "Price"}
    assert words(answer).count("As for your earlier file") == 1
    answer = ask(signed_in, data, headings='{"COST": null}')
    assert headings_in(answer) == {"COST": None}
    assert "As for your earlier file" not in words(answer)


def test_doubled_and_repeated_columns_are_told(signed_in: Client) -> None:
    answer = ask(signed_in, b"Code,Name,Price,Cost,Note,note\n", headings='{"Cost": "Price"}')
    text = words(answer)
    assert "Two columns of the file are taken for “Price”. Ignore one of them." in text
    assert "Two columns of the file have the heading “Note”. Rename one of them in the file." in text


def test_values_of_sensitive_columns_are_hidden(signed_in: Client) -> None:
    answer = ask(signed_in, b"Artikel,Name,Preis,Notiz\nA,B,1,geheim\n", type="new-items")
    assert "geheim" not in words(answer)
    assert "Notiz •••" in words(answer)


def test_what_is_no_csv_file_is_told(signed_in: Client) -> None:
    answer = ask(signed_in, b"PK\x03\x04" + b"x" * 100 + b"xl/workbook.xml", whole="false")
    assert answer.status_code == 200
    assert "Excel" in words(answer)
    assert 'data-says="The file cannot be read like this."' in answer.content.decode()


def test_what_is_declared_counts(signed_in: Client) -> None:
    answer = ask(signed_in, "Code|品名\nA|ねじ\n".encode("cp932"), encoding="cp932", delimiter="|")
    assert "Encoding: Shift_JIS / CP932 (Excel in Japan) (Chosen by you) Delimiter: Vertical bar |" in words(answer)


def test_more_than_the_beginning_is_refused(signed_in: Client) -> None:
    assert ask(signed_in, b"x" * (HEAD_BYTES + 1)).status_code == 413
    assert ask(signed_in, b"Code\n" + b"x" * (HEAD_BYTES - 5), whole="false").status_code == 200


@pytest.mark.parametrize(
    "query", [{"encoding": "klingon"}, {"delimiter": "x"}, {"whole": "yes"}, {"headings": "[]"}, {"headings": "{"}]
)
def test_a_wrong_question_is_refused(signed_in: Client, query: dict[str, str]) -> None:
    assert ask(signed_in, b"Code\n", **query).status_code == 400


def test_another_body_is_refused(signed_in: Client) -> None:
    assert signed_in.post("/uploads/recognize?type=items", {"a": "b"}).status_code == 415


def test_only_who_may_upload_gets_an_answer(client: Client, owner: User) -> None:
    assert ask(client, b"Code\n").status_code == 302
    client.force_login(User.objects.create_user("bob"))
    assert ask(client, b"Code\n").status_code == 404
    assert ask(client, b"Code\n", type="nothing").status_code == 404
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert ask(strict, b"Code\n").status_code == 403
    token = str(strict.get("/uploads/new?type=items").context["csrf_token"])
    answer = strict.post(
        "/uploads/recognize?type=items", b"Code\n", content_type="application/octet-stream",
        headers={"X-CSRFToken": token},
    )  # fmt: skip
    assert answer.status_code == 200


def test_the_plain_form_takes_the_matches_too(send: Any, owner: User) -> None:
    assert send(b"Code,Name,Cost\nA,Bolt,1\n", headings='{"Cost":"Price"}').status_code == 303
    assert Job.objects.get().payload["csv"]["headings"] == {"Cost": "Price"}
    assert RememberedHeading.objects.get().column == "Price"
    answer = send(b"Code,Name,Cost\nA,Bolt,1\n", headings="[]")
    assert answer.status_code == 422
    assert "The file was not uploaded" in words(answer)


def test_a_heading_that_cannot_be_matched_is_in_no_order() -> None:
    upload_type = UPLOAD_TYPES.find("items")
    assert upload_type is not None
    head = recognize_head(upload_type, f"Code,,{'x' * 301}\n".encode(), is_whole=True)
    assert show_head(head, upload_type, {}).headings == ""
