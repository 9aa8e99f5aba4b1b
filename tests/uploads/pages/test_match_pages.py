"""A stored file whose headings do not fit is sent again with columns that were matched by hand."""

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.apps.warehouse.models import Item
from tests.support.page_text import words
from tests.support.uploads import make_upload, run, upload
from uploads.headings import MOST_HEADINGS
from uploads.remembering import remember_headings, remembered_headings

pytestmark = pytest.mark.django_db(transaction=True)

UNFIT = "Code;Label;Cost;Hint\nA-1;Bolt;1,50;x\nA-2;Nut;0,20;\n"
SELECT = re.compile(
    r'<select id="match-\d+" name="(column-\d+)".*?(?:<option selected>([^<]*)</option>.*?)?</select>', re.DOTALL
)


def selected(answer: Any) -> dict[str, str]:
    return {name: html.unescape(column) for name, column in SELECT.findall(answer.content.decode())}


def code_of(job: Job) -> str:
    return str((job.result or {})["error"]["code"])


def test_a_missing_column_is_matched_and_all_rows_are_in_without_another_transfer(
    signed_in: Client, owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    failed = upload(owner, "items", UNFIT)
    assert code_of(failed) == "missing-column"
    path = f"/uploads/{failed.pk}/columns"
    assert f'<a class="button" id="match" href="{path}">Match the columns</a>' in words_raw(signed_in, failed)
    with django_assert_num_queries(7):  # session, user, preferences, job, tenant, file, remembered headings
        page = signed_in.get(path)
    assert "These required columns are missing: Name, Price Match the columns of the file below." in words(page)
    assert "Cost 1,50 · 0,20" in words(page)
    assert selected(page) == {"column-0": "Code", "column-1": "", "column-2": "", "column-3": ""}
    chosen = {"column-0": "Code", "column-1": "Name", "column-2": "Price", "column-3": ""}
    answer = signed_in.post(path, {**chosen, "dryRun": "false"})
    new = Job.objects.latest("pk")
    assert answer["Location"] == f"/uploads/{new.pk}"
    assert (new.payload["continues"], new.payload["dryRun"]) == (str(failed.pk), False)
    assert new.payload["csv"] == {
        "encoding": None, "delimiter": ";", "headings": {"Label": "Name", "Cost": "Price"},
    }  # fmt: skip
    assert run(new).state == State.SUCCEEDED
    assert list(Item.objects.order_by("code").values_list("code", "name")) == [("A-1", "Bolt"), ("A-2", "Nut")]
    assert remembered_headings(owner, "items") == {"label": "Name", "cost": "Price"}
    assert signed_in.post(path, chosen).status_code == 404


def words_raw(client: Client, job: Job) -> str:
    return client.get(f"/uploads/{job.pk}").content.decode()


def test_columns_that_do_not_fit_yet_are_not_sent(signed_in: Client, owner: User) -> None:
    failed = upload(owner, "items", UNFIT)
    chosen = {"column-1": "Name", "column-2": "", "column-3": "Name"}
    answer = signed_in.post(f"/uploads/{failed.pk}/columns", {**chosen, "dryRun": "true"})
    text = words(answer)
    assert answer.status_code == 422
    assert "Nothing was uploaded The columns of the file do not fit yet." in text
    assert "This required column is missing: Price Two columns of the file are taken for “Name”." in text
    assert selected(answer) == {"column-0": "Code", "column-1": "Name", "column-2": "", "column-3": "Name"}
    assert Job.objects.count() == 1


def test_a_file_without_any_known_heading_is_matched_and_checked(signed_in: Client, owner: User) -> None:
    data = "Nr|Label|Cost\nA-1|Bolt|1.50\n"
    failed = upload(owner, "items", data, dryRun=True)
    assert code_of(failed) == "unknown-headings"
    chosen = {"column-0": "Code", "column-1": "Name", "column-2": "Price"}
    signed_in.post(f"/uploads/{failed.pk}/columns", {**chosen, "dryRun": "true"})
    check = run(Job.objects.latest("pk"))
    assert (check.state, (check.result or {})["upload"]["rowsInserted"]) == (State.SUCCEEDED, 1)


def test_earlier_matches_are_chosen_and_can_be_replaced(signed_in: Client, owner: User) -> None:
    remember_headings(owner, "items", {"Label": "Name", "Cost": "Weight"})
    failed = upload(owner, "items", UNFIT)
    path = f"/uploads/{failed.pk}/columns"
    page = signed_in.get(path)
    assert selected(page)["column-1"] == "Name"
    assert "As for your earlier file" in words(page)
    signed_in.post(path, {"column-2": "Price", "dryRun": "true"})
    assert Job.objects.latest("pk").payload["csv"]["headings"] == {"Label": "Name", "Cost": "Price"}


def test_only_the_stored_file_of_an_ended_upload_can_be_matched(signed_in: Client, owner: User) -> None:
    waiting = make_upload(owner, "items", UNFIT.encode())
    assert signed_in.get(f"/uploads/{waiting.pk}/columns").status_code == 404
    failed = run(waiting)
    assert signed_in.post(f"/uploads/{failed.pk}/columns", {"column-0": "Nonsense"}).status_code == 400
    Artifact.objects.filter(job=failed).update(deleted_at=Now())
    assert signed_in.get(f"/uploads/{failed.pk}/columns").status_code == 404
    assert 'id="match"' not in words_raw(signed_in, failed)
    foreign = make_upload(User.objects.create_user("bob"), "items", UNFIT.encode())
    assert signed_in.get(f"/uploads/{foreign.pk}/columns").status_code == 404


def test_a_file_that_cannot_be_read_is_told_on_the_page_of_its_upload(signed_in: Client, owner: User) -> None:
    empty = upload(owner, "items", "")
    answer = signed_in.get(f"/uploads/{empty.pk}/columns")
    assert (answer.status_code, code_of(empty)) == (409, "empty-file")
    lost = upload(owner, "items", UNFIT)
    Artifact.objects.filter(job=lost).update(size_bytes=9)
    answer = signed_in.get(f"/uploads/{lost.pk}/columns")
    assert answer.status_code == 503
    assert "The stored file cannot be read at the moment. Try again in a few minutes." in words(answer)


def test_more_columns_than_can_be_matched_are_told_on_the_page_of_the_upload(signed_in: Client, owner: User) -> None:
    headings = ",".join(["Code", "Label", *(f"Extra {number}" for number in range(MOST_HEADINGS - 1))])
    failed = upload(owner, "items", f"{headings}\nA-1,Bolt\n")
    assert code_of(failed) == "missing-column"
    answer = signed_in.get(f"/uploads/{failed.pk}/columns")
    assert answer.status_code == 409
    assert "401 columns" in words(answer)
