"""No message quotes a value of a column that the type hides."""

import json

import pytest
from django.contrib.auth.models import User

from tests.support.apps.warehouse.models import Supplier, Tenant
from tests.support.apps.warehouse.upload_types import Items, suppliers_of
from tests.support.uploads import upload
from uploads.types import Column, Lookup

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def tenant(owner: User) -> Tenant:
    return Tenant.objects.create(code=owner.get_username())


def test_a_secret_part_of_a_key_is_not_quoted(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Items, "sensitive", ("name",))
    monkeypatch.setattr(Items, "key", ("code", "name"))
    job = upload(owner, "items", "Code,Name,Price\nA-1,s3cret,1\nA-1,s3cret,1\n")
    found = (job.result or {})["upload"]["errorsPreview"]
    assert {(one["code"], one["column"], one["value"]) for one in found} == {
        ("duplicate-in-file", "Code", "A-1"),
        ("unique-violation", "Code", "A-1"),
    }
    assert "s3cret" not in json.dumps(job.result)


def test_a_condition_is_hidden_by_its_own_heading(owner: User, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    Supplier.objects.create(tenant=tenant, code="S-1", name="Smith")
    lookup = Lookup("code", conditions={"name": "Secret PIN"}, rows=suppliers_of)
    monkeypatch.setattr(Items, "columns", {**Items.columns, "supplier": Column("Supplier", lookup=lookup)})
    job = upload(owner, "items", "Code,Name,Price,Supplier,Secret PIN\nA-1,Bolt,1,S-1,1234\n")
    [found] = (job.result or {})["upload"]["errorsPreview"]
    assert (found["column"], found["code"], found["value"]) == ("Secret PIN", "unknown-lookup", "***")
    assert "1234" not in json.dumps(job.result)


def test_a_column_is_hidden_by_its_alias(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Items, "columns", {**Items.columns, "made_on": Column("Made on", aliases=["Secret day"])})
    job = upload(owner, "items", "Code,Name,Price,Secret day\nA-1,Bolt,1,03/04/2020\n")
    assert (job.result or {})["error"]["code"] == "ambiguous-date"
    assert "03/04/2020" not in json.dumps(job.result)
