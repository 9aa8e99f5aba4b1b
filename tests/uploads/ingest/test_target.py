"""What the rows that the table already has mean for a record."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet

from examples.sales.models import Customer
from jobs.models import Job
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.apps.warehouse.upload_types import Customers
from tests.support.uploads import upload

UUID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

pytestmark = pytest.mark.django_db(transaction=True)


def errors(job: Job) -> list[tuple[Any, ...]]:
    preview = (job.result or {})["upload"]["errorsPreview"]
    return [(error["line"], error["column"], error["code"], error["value"]) for error in preview]


def test_a_type_that_only_adds_refuses_what_exists(owner: User) -> None:
    tenant = Tenant.objects.create(code=owner.get_username())
    Item.objects.create(tenant=tenant, code="B-1", name="Old", price=1)
    job = upload(owner, "new-items", "Artikel;Name;Preis\nB-1;New;2\nB-2;Other;3\n", mode="partial")
    assert errors(job) == [(2, "Artikel", "already-exists", "B-1")]
    assert sorted(Item.objects.values_list("code", "name")) == [("B-1", "Old"), ("B-2", "Other")]


def test_a_key_of_a_row_that_the_user_may_not_touch_is_not_available(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.filter(pk=owner.pk).update(is_superuser=True)

    def in_japan(self: Customers, user: Any) -> QuerySet[Customer]:
        return Customer.objects.filter(country="JP")

    monkeypatch.setattr(Customers, "rows_of", in_japan)
    for code, country in (("C-1", "US"), ("C-2", "JP")):
        Customer.objects.create(code=code, name="Old", country=country, address="x")
    rows = "code,name,country,address\nC-1,New,JP,y\nC-2,New,JP,y\nC-3,New,JP,y\n"
    job = upload(User.objects.get(), "customers", rows, mode="partial")
    assert errors(job) == [(2, "code", "key-not-available", "C-1")]
    assert sorted(Customer.objects.values_list("code", "name")) == [("C-1", "Old"), ("C-2", "New"), ("C-3", "New")]


def test_two_rows_with_a_value_that_must_be_unique_but_is_no_key(owner: User) -> None:
    Tenant.objects.create(code=owner.get_username())
    job = upload(owner, "items", f"Code,Name,Price,UUID\nB-1,Nut,1,{UUID}\nB-2,Nut,1,{UUID.upper()}\n")
    assert errors(job) == [(2, "UUID", "unique-violation", UUID), (3, "UUID", "unique-violation", UUID)]
    [first, _] = (job.result or {})["upload"]["errorsPreview"]
    assert first["message"] == f"“{UUID}” is there twice, but it must be unique: see line 3."
