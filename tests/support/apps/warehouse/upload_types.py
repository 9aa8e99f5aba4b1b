"""Upload types over the tables of the warehouse, and one over the customers of the example."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet

from examples.sales.models import Customer
from tests.support.apps.warehouse.models import Item, Movement, Parcel, Snippet, Supplier, Tenant, tenant_of
from uploads.types import Column, Lookup, RowError, UploadType, register


def suppliers_of(user: Any) -> QuerySet[Supplier]:
    """The suppliers that an item of the user's tenant may have."""
    return Supplier.objects.filter(tenant=tenant_of(user), is_active=True)


def items_of(user: Any) -> QuerySet[Item]:
    return Item.objects.filter(tenant=tenant_of(user))


class OfTenant(UploadType):
    """Whoever is of a tenant may upload, for that tenant."""

    def may_upload(self, user: Any) -> bool:
        return Tenant.objects.filter(code=user.get_username()).exists()


class OfItems(OfTenant):
    """An abstract type: items of the user's tenant by their code."""

    model = Item
    key: ClassVar[Sequence[str]] = ("tenant", "code")

    def rows_of(self, user: Any) -> QuerySet[Item]:
        return items_of(user)

    def fixed(self, user: Any) -> Mapping[str, Any]:
        return {"tenant": tenant_of(user)}


ITEM_COLUMNS = {
    "code": Column("Code", aliases=["Item", "品番"], required=True),
    "name": Column("Name", required=True),
    "price": Column("Price", required=True),
    "weight": Column("Weight"),
    "count": Column("Count", empty="default", check="count >= 0", message="The count must not be negative."),
    "small": Column("Small"),
    "is_active": Column("Active", empty="default"),
    "made_on": Column("Made on"),
    "made_at": Column("Made at"),
    "at": Column("At"),
    "kind": Column("Kind", empty="blank"),
    "supplier": Column("Supplier", lookup=Lookup("code", conditions={"name": "Supplier name"}, rows=suppliers_of)),
    "color": Column("Color"),
    "uuid": Column("UUID"),
    "note": Column("Note"),
}


@register
class Items(OfItems):
    identifier = "items"
    title = "Items"
    columns = ITEM_COLUMNS


@register
class NewItems(OfItems):
    """Only adds; dates and decimals in German formats, own words for choices, and a check in Python."""

    identifier = "new-items"
    title = "New items"
    mode = "insert"
    sensitive = ("note",)
    columns = {
        "code": Column("Artikel", required=True),
        "name": Column("Name", required=True),
        "price": Column("Preis", required=True, decimal=","),
        "is_active": Column("Aktiv", choices={"ja": True, "nein": False}, empty="default"),
        "made_on": Column("Gebaut am", formats=["%d.%m.%Y", "%Y-%m-%d"]),
        "kind": Column("Art", choices={"Teil": "part", "Werkzeug": "tool"}, empty="default"),
        "note": Column("Notiz", empty="blank"),
    }

    def validate(self, rows: Sequence[Mapping[str, Any]]) -> Iterable[RowError]:
        for row in rows:
            if row["name"] == row["code"]:
                yield RowError(row["record"], "name", "The name must differ from the number.")


@register
class ItemPrices(OfItems):
    """Only updates, and no more than half of the table."""

    identifier = "item-prices"
    title = "Prices of items"
    mode = "update"
    max_updated_percent = 50
    columns = {"code": Column("Code", required=True), "price": Column("Price", required=True)}


@register
class Suppliers(OfTenant):
    identifier = "suppliers"
    title = "Suppliers"
    model = Supplier
    key = ("tenant", "code")
    columns = {
        "code": Column("Code", required=True),
        "name": Column("Name", required=True),
        "is_active": Column("Active", empty="default"),
    }

    def rows_of(self, user: Any) -> QuerySet[Supplier]:
        return Supplier.objects.filter(tenant=tenant_of(user))

    def fixed(self, user: Any) -> Mapping[str, Any]:
        return {"tenant": tenant_of(user)}


@register
class Movements(OfTenant):
    """Without a key, and with a lookup whose condition spans relations."""

    identifier = "movements"
    title = "Movements"
    model = Movement
    mode = "insert"
    columns = {
        "item": Column(
            "Item",
            required=True,
            lookup=Lookup("code", conditions={"supplier__code": "Supplier"}, rows=items_of),
        ),
        "quantity": Column("Quantity", required=True, check="quantity <> 0", message="Nothing moves."),
        "moved_at": Column("Moved at", required=True),
    }

    def rows_of(self, user: Any) -> QuerySet[Movement]:
        return Movement.objects.filter(item__tenant=tenant_of(user))


class OfParcels(OfTenant):
    """An abstract type: parcels of the user's tenant, whose numbers other tenants may have taken."""

    model = Parcel
    key = ("number",)
    columns: ClassVar[Mapping[str, Column]] = {
        "number": Column("Number", required=True),
        "label": Column("Label", required=True),
        "size": Column("Size", required=True),
        "supplier": Column("Supplier", required=True, lookup=Lookup("name", rows=suppliers_of)),
        "sender": Column("Sender", required=True),
        "note": Column("Note", required=True),
    }

    def rows_of(self, user: Any) -> QuerySet[Parcel]:
        return Parcel.objects.filter(tenant=tenant_of(user))

    def fixed(self, user: Any) -> Mapping[str, Any]:
        return {"tenant": tenant_of(user)}

    def validate(self, rows: Sequence[Mapping[str, Any]]) -> Iterable[RowError]:
        for row in rows:
            if row["note"] == row["number"]:
                yield RowError(row["record"], "note", "The note must differ from the number.")


@register
class Parcels(OfParcels):
    identifier = "parcels"
    title = "Parcels"


@register
class NewParcels(OfParcels):
    identifier = "new-parcels"
    title = "New parcels"
    mode = "insert"


@register
class ChangedParcels(OfParcels):
    identifier = "changed-parcels"
    title = "Changed parcels"
    mode = "update"


@register
class Customers(UploadType):
    """Takes the report `customers` of the example; its totals are unknown columns."""

    identifier = "customers"
    title = "Customers"
    model = Customer
    key = ("code",)
    columns = {
        "code": Column("code", required=True),
        "name": Column("name", required=True),
        "kana": Column("kana"),
        "email": Column("email"),
        "phone": Column("phone"),
        "country": Column("country", required=True),
        "address": Column("address", required=True),
        "notes": Column("notes"),
    }


@register
class Snippets(UploadType):
    """Any text under any name."""

    identifier = "snippets"
    title = "Snippets"
    model = Snippet
    key = ("name",)
    columns = {"name": Column("name", required=True), "text": Column("text"), "more": Column("more")}
