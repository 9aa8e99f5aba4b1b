"""Headings that the sender of a file matches to columns by hand."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from jobs.models import Job
from jobs.states import State
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.ordering import assert_problem
from tests.support.uploads import make_upload, run
from uploads.headings import LONGEST_HEADING
from uploads.remembering import remembered_headings

pytestmark = pytest.mark.django_db(transaction=True)

CSV = b"Artikel,Name,Code,Price\nA-1,Bolt,x,1.50\n"
MATCHED = {"Artikel": "Code", "Code": None}
Send = Callable[..., Any]


def uploaded(owner: User, body: bytes, headings: dict[str, str | None], **options: Any) -> Job:
    csv = {"encoding": None, "delimiter": None, "headings": headings}
    return run(make_upload(owner, "items", body, csv=csv, **options))


@pytest.fixture(autouse=True)
def tenant(owner: User) -> Tenant:
    return Tenant.objects.create(code=owner.get_username())


@pytest.fixture
def send(api: APIClient) -> Send:
    def post(body: bytes = CSV, **query: str) -> Any:
        asked = urlencode({"uploadType": "items", **query})
        return api.post(f"/api/uploads?{asked}", data=body, content_type="text/csv")

    return post


def test_a_matched_heading_is_that_column_and_a_column_without_match_is_ignored(owner: User) -> None:
    job = uploaded(owner, CSV, MATCHED)
    assert job.state == State.SUCCEEDED, job.result
    assert list(Item.objects.values_list("code", "name")) == [("A-1", "Bolt")]
    assert (job.result or {})["upload"]["unknownColumns"] == ["Code"]


def test_headings_are_compared_without_case_and_width(owner: User) -> None:
    job = uploaded(owner, "ＡＲＴＩＫＥＬ ,Name,Price\nA-1,Bolt,1\n".encode(), {"artikel": "code"})
    assert job.state == State.SUCCEEDED, job.result


def test_two_columns_matched_to_one_are_refused(owner: User) -> None:
    job = uploaded(owner, CSV, {"Artikel": "Code"})
    assert (job.result or {})["error"]["code"] == "duplicate-column"


def test_an_order_with_headings_keeps_them(send: Send, owner: User) -> None:
    response = send(headings=json.dumps(MATCHED))
    assert response.status_code == 202, response.content
    assert Job.objects.get().payload["csv"] == {"encoding": None, "delimiter": None, "headings": MATCHED}
    assert remembered_headings(owner, "items") == {"artikel": "Code", "code": None}


def test_an_order_without_headings_is_as_before(send: Send) -> None:
    send()
    assert Job.objects.get().payload["csv"] == {"encoding": None, "delimiter": None}


@pytest.mark.parametrize(
    ("headings", "detail"),
    [
        ("{", "This is not a JSON object."),
        ("[" * 5_000, "This is not a JSON object."),
        ("[]", 'Expected a dictionary of items but got type "list".'),
        (json.dumps({"x": "y"}), "The upload type has no column 'y'."),
        (json.dumps({str(number): None for number in range(401)}), "There may be 400 headings, each of 300 characters"),
        (json.dumps({"x" * (LONGEST_HEADING + 1): "Code"}), "There may be 400 headings, each of 300 characters"),
    ],
)
def test_wrong_headings_are_refused_before_the_file_is_read(send: Send, headings: str, detail: str) -> None:
    body = assert_problem(send(headings=headings), 400, "invalid-request")
    [error] = body["errors"]
    assert error["pointer"].startswith("#/headings")
    assert error["detail"].startswith(detail)


def test_a_correction_is_matched_as_what_it_corrects(send: Send, owner: User) -> None:
    wrong = uploaded(owner, b"Artikel,Name,Price\nA-1,Bolt,x\n", {"Artikel": "Code"})
    assert wrong.state == State.DEAD
    response = send(b"Artikel,Name,Price\nA-1,Bolt,2\n", corrects=str(wrong.pk))
    assert response.status_code == 202, response.content
    job = run(Job.objects.get(pk=response.json()["id"]))
    assert job.state == State.SUCCEEDED
    assert Item.objects.get().price == 2
