"""What the rows that the table already has mean for a record."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Count, QuerySet

from examples.sales.models import Customer
from jobs.models import Job
from jobs.states import State
from tests.support.apps.warehouse.models import Item, Movement, Supplier, Tenant
from tests.support.apps.warehouse.upload_types import Customers, ItemPrices, Items, NewItems, Suppliers
from tests.support.uploads import upload
from uploads.types import Column, UploadType

NOW = datetime(2026, 1, 1, tzinfo=UTC)
UUID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

pytestmark = pytest.mark.django_db(transaction=True)


def errors(job: Job) -> list[tuple[Any, ...]]:
    preview = (job.result or {})["upload"].get("errorsPreview", [])
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


ROWS = "Code,Name,Price\nA-1,New,2\nA-2,New,2\nA-3,New,2\n"


@pytest.fixture
def items(owner: User) -> QuerySet[Item]:
    """A-1 has moved twice, A-2 never; A-3 is new to the table."""
    tenant = Tenant.objects.create(code=owner.get_username())
    for code in ("A-1", "A-2"):
        Item.objects.create(tenant=tenant, code=code, name="Old", price=1)
    for quantity in (1, 2):
        Movement.objects.create(item=Item.objects.get(code="A-1"), quantity=quantity, moved_at=NOW)
    return Item.objects.order_by("code")


def names() -> list[tuple[str, str]]:
    return sorted(Item._base_manager.values_list("code", "name"))


@pytest.mark.parametrize(
    ("rows_of", "foreign"),
    [
        (lambda items: items.filter(tenant__code__contains="a"), []),
        (lambda items: items.filter(movements__quantity__gt=0), ["A-2"]),
        (lambda items: items.annotate(moves=Count("movements")).filter(moves=0), ["A-1"]),
        (lambda items: items.filter(code="A-1").union(items.filter(code="A-2")), []),
        (lambda items: items[1:5], ["A-1"]),
        (lambda items: items.none(), ["A-1", "A-2"]),
        (lambda items: items.filter(tenant__in=[]), ["A-1", "A-2"]),
        (lambda items: items.filter(movements__in=[]), ["A-1", "A-2"]),
    ],
)
def test_rows_of_may_be_any_queryset(
    rows_of: Callable[[QuerySet[Item]], QuerySet[Item]],
    foreign: list[str],
    items: QuerySet[Item],
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be empty, limited or a union, and yield a row several times."""
    monkeypatch.setattr(Items, "rows_of", lambda self, user: rows_of(items))
    job = upload(owner, "items", ROWS, mode="partial")
    assert job.state == State.SUCCEEDED, job.error_message
    assert [(code, value) for _, _, code, value in errors(job)] == [("key-not-available", code) for code in foreign]
    assert names() == [(code, "Old" if code in foreign else "New") for code in ("A-1", "A-2", "A-3")]


def test_rows_that_come_twice_count_once_for_the_share_of_updates(
    items: QuerySet[Item], owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ItemPrices, "rows_of", lambda self, user: items.filter(movements__quantity__gt=0))
    job = upload(owner, "item-prices", "Code,Price\nA-1,2\n")
    assert (job.result or {})["error"]["detail"].startswith("The upload would update 1 of 1 ")


def test_a_row_that_the_default_manager_leaves_out_is_not_touched(
    items: QuerySet[Item], owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that counts as deleted."""

    class ActiveItems(models.Manager[Item]):
        def get_queryset(self) -> QuerySet[Item]:
            return super().get_queryset().filter(is_active=True)

    items.filter(code="A-1").update(is_active=False)
    manager = ActiveItems()
    manager.model = Item
    monkeypatch.setitem(Item._meta.__dict__, "default_manager", manager)
    monkeypatch.setattr(Items, "rows_of", UploadType.rows_of)
    job = upload(owner, "items", ROWS, mode="partial")
    assert errors(job) == [(2, "Code", "key-not-available", "A-1")]
    assert names() == [("A-1", "Old"), ("A-2", "New"), ("A-3", "New")]


def test_a_primary_key_leaves_numbers_to_the_sequence_whatever_the_key_is(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = Tenant.objects.create(code=owner.get_username())
    monkeypatch.setattr(NewItems, "columns", {**NewItems.columns, "id": Column("Nr.")})
    for key in (NewItems.key, ()):
        monkeypatch.setattr(NewItems, "key", key)
        job = upload(owner, "new-items", f"Nr.;Artikel;Name;Preis\n{2**63 - 1};B-1;Nut;1\n")
        assert errors(job) == [(2, "Nr.", "out-of-range", str(2**63 - 1))]
        Item.objects.create(tenant=tenant, code=f"C-{len(key)}", name="Nut", price=1)


def test_a_fixed_value_that_is_too_long_is_refused_rather_than_cut(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut as part of the key, it would be that of another row."""
    tenant = Tenant.objects.create(code=owner.get_username())
    longest, too_long = "S" * 20, "S" * 21
    Supplier.objects.create(tenant=tenant, code=longest, name="Old")
    monkeypatch.setattr(Suppliers, "columns", {"name": Column("Name", required=True)})
    monkeypatch.setattr(Suppliers, "fixed", lambda self, user: {"tenant": tenant, "code": too_long})
    for mode, key in (("upsert", ("tenant", "code", "name")), ("insert", ())):
        monkeypatch.setattr(Suppliers, "mode", mode)
        monkeypatch.setattr(Suppliers, "key", key)
        job = upload(owner, "suppliers", "Name\nOld\n")
        assert (job.state, (job.result or {})["error"]["code"]) == (State.DEAD, "query-refused"), job.result
        assert list(Supplier.objects.values_list("code", "name")) == [(longest, "Old")]


def test_fixed_may_name_the_attribute_of_a_foreign_key_and_is_asked_once(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, asked = Tenant.objects.create(code=owner.get_username()), []

    def fixed(self: Items, user: Any) -> dict[str, Any]:
        asked.append(user)
        return {"tenant_id": tenant.pk}

    monkeypatch.setattr(Items, "fixed", fixed)
    assert upload(owner, "items", "Code,Name,Price\nA-1,Bolt,1\n").state == State.SUCCEEDED
    assert (Item.objects.get().tenant, len(asked)) == (tenant, 1)
