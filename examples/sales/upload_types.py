"""The uploads into the example shop. Copy one to start your own."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from examples.sales.models import OrderLine, Product
from uploads.types import Column, Lookup, UploadType, register


class OfShop(UploadType):
    """Whoever is signed in may upload into the example, as everybody may order its reports."""

    def may_upload(self, user: Any) -> bool:
        return bool(user.is_authenticated)


@register
class Products(OfShop):
    """The simplest type: one table, its natural key, no lookups."""

    identifier = "products"
    title = _("Products")
    description = _("Adds products to the catalog, and updates those whose SKU is known.")
    model = Product
    key = ("sku",)
    columns = {
        "sku": Column("sku", aliases=["article number"], required=True),
        "name": Column("name", aliases=["product_name"], required=True),
        "category": Column("category", required=True),
        "list_price": Column("list_price", required=True),
    }


@register
class OrderLines(OfShop):
    """Takes a file of the report of that name. Its columns about the order and the customer are ignored."""

    identifier = "order-lines"
    title = _("Order lines")
    description = _("Adds and corrects order lines. The report “Order lines” can be edited and uploaded.")
    model = OrderLine
    key = ("id",)
    columns = {
        "id": Column("line_id", required=True, description=_("Number of the line; the key.")),
        "order": Column(
            "order_id",
            required=True,
            # Whoever mixes up two orders is told so, if the file says which customers they belong to.
            lookup=Lookup("id", conditions={"customer__code": "customer_code"}),
            description=_("Number of an order of the customer in the column customer_code."),
        ),
        "product": Column("sku", required=True, lookup=Lookup("sku"), description=_("SKU of a product.")),
        "quantity": Column("quantity", required=True),
        "unit_price": Column("unit_price", required=True),
        "discount_percent": Column("discount_percent", empty="default"),
        "amount": Column(
            "amount",
            required=True,
            check="amount = round(quantity * unit_price * (100 - discount_percent) / 100, 2)",
            message=_(
                "The amount must be the quantity times the unit price less the discount, rounded half up to the cent."
            ),
        ),
    }
