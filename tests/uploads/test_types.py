"""The questions that others ask of an upload type."""

import pytest
from django.contrib.auth.models import Permission, User

from tests.support.apps.warehouse.models import Tenant
from tests.support.apps.warehouse.upload_types import Customers, ItemPrices, Items, Movements, NewItems
from uploads.types import UPLOAD_TYPES, Column, Counts, UploadType


def test_a_lookups_condition_is_a_column_of_its_own() -> None:
    assert Movements.known_headings() == {
        "item": ("Item",),
        "item.supplier__code": ("Supplier",),
        "quantity": ("Quantity",),
        "moved_at": ("Moved at",),
    }
    assert Items.known_headings()["code"] == ("Code", "Item", "品番")
    assert Items.required_columns() == {"code", "name", "price"}


def test_a_column_is_hidden_by_its_field_its_heading_or_its_name() -> None:
    class Accounts(UploadType):
        columns = {
            "login": Column("Login", aliases=["PIN"]),
            "password": Column("Pass"),
            "note": Column("API-Key"),
            "name": Column("Name"),
        }
        sensitive = ("PIN",)

    assert [name for name in Accounts.columns if Accounts().hides(name)] == ["login", "password", "note"]
    assert NewItems().hides("note")
    assert not Items().hides("note")


@pytest.mark.parametrize("secret", ["item", "Item", "Supplier", "sender"])
def test_a_condition_is_hidden_like_its_lookup_and_like_others_who_use_its_column(secret: str) -> None:
    class Guarded(Movements):
        columns = {**Movements.columns, "sender": Column("Supplier")}
        sensitive = (secret,)

    assert Guarded().hides("item.supplier__code")
    assert not Guarded().hides("quantity")


def test_the_counts_add_up() -> None:
    assert Counts(inserted=1, updated=2, unchanged=4, failed=8, blank=16).total == 31


@pytest.mark.parametrize(
    ("mode", "granted", "may"),
    [("insert", "add", True), ("update", "add", False), ("update", "change", True), ("upsert", "change", False)],
)
def test_by_default_it_takes_the_permissions_of_the_model(mode: str, granted: str, may: bool, db: None) -> None:
    clerk = User.objects.create_user("clerk")
    clerk.user_permissions.add(Permission.objects.get(codename=f"{granted}_customer"))
    changed = type("Changed", (Customers,), {"mode": mode})()
    assert changed.may_upload(clerk) is changed.may_order(clerk) is may


def test_a_type_is_seen_by_those_only_who_may_upload_it(db: None) -> None:
    insider, outsider = User.objects.create_user("insider"), User.objects.create_user("outsider")
    Tenant.objects.create(code="insider")
    of_warehouse = {"items", "new-items", "item-prices", "suppliers", "movements"}
    assert {known.identifier for known in UPLOAD_TYPES.orderable_by(insider)} >= of_warehouse
    assert not {known.identifier for known in UPLOAD_TYPES.orderable_by(outsider)} & of_warehouse
    assert ItemPrices().rows_of(insider).count() == 0
