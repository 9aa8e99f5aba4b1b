"""Validators of the model's fields that only Python can run."""

import tracemalloc
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs.states import State
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.apps.warehouse.upload_types import Items, NewItems
from tests.support.uploads import make_upload, run, upload
from uploads.types import Column, RowError

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_record_whose_text_a_validator_refuses_is_named(owner: User) -> None:
    Tenant.objects.create(code=owner.get_username())
    lines = ["A-1,Bolt,1,red", "A-2,Nut,1,#ff0000", "A-3,Pin,1,red", 'A-4,Cap,1,"{b,""\\\'"', "A-5,Rod,1,"]
    job = upload(owner, "items", "\n".join(["Code,Name,Price,Color", *lines, ""]))
    found = [(error["line"], error["code"], error["value"]) for error in (job.result or {})["upload"]["errorsPreview"]]
    assert found == [(2, "invalid-value", "red"), (4, "invalid-value", "red"), (5, "invalid-value", "{b,\"\\'")]


def test_no_validator_runs_on_an_empty_text_where_a_text_may_be_blank(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Tenant.objects.create(code=owner.get_username())
    monkeypatch.setattr(Items, "columns", {**Items.columns, "color": Column("Color", empty="blank")})
    data = 'Code,Name,Price,Color\nA-1,Bolt,1,""\nA-2,Nut,1,\n'
    job = upload(owner, "items", data)
    assert (job.state, list(Item.objects.values_list("color", flat=True))) == (State.SUCCEEDED, ["", ""])
    monkeypatch.setattr(Item._meta.get_field("color"), "blank", False)
    job = upload(owner, "items", data.replace("Bolt", "Pin"))
    assert [error["line"] for error in (job.result or {})["upload"]["errorsPreview"]] == [2, 3]


def test_long_values_are_not_held_all_at_once(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    Tenant.objects.create(code=owner.get_username())
    assert _peak(owner, "items", "Code,Name,Price,Color\n", each="wrong" * 100_000) < 30_000_000
    assert _peak(owner, "new-items", "Artikel,Name,Preis,Notiz\n", each="x" * 500_000) < 30_000_000


def _peak(owner: User, upload_type: str, headings: str, *, each: str) -> int:
    """Bytes that Python holds at most while an upload of 50 MB runs."""
    data = headings + "".join(f"A-{number},Bolt,1,{each}{number}\n" for number in range(100))
    job = make_upload(owner, upload_type, data.encode())
    tracemalloc.start()
    try:
        run(job)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_errors_of_all_batches_are_noted(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_all(self: NewItems, rows: Sequence[Mapping[str, Any]]) -> Iterable[RowError]:
        return [RowError(row["record"], "name", "No.") for row in rows]

    Tenant.objects.create(code=owner.get_username())
    monkeypatch.setattr(NewItems, "validate", refuse_all)
    for upload_type, heading in (("items", "Code,Name,Price,Color"), ("new-items", "Artikel,Name,Preis,Notiz")):
        lines = [f"A-{number},Bolt,1,wrong-{number}" for number in range(2500)]
        job = upload(owner, upload_type, "\n".join([heading, *lines]), mode="partial")
        [group] = (job.result or {})["upload"]["errorGroups"]
        assert (group["code"], group["count"]) == ("invalid-value", 2500)
