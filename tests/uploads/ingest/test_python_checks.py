"""Validators of the model's fields that only Python can run."""

import pytest
from django.contrib.auth.models import User

from jobs.states import State
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.apps.warehouse.upload_types import Items
from tests.support.uploads import upload
from uploads.types import Column

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
