"""A shop that sells goods to customers: the tables that the example reports read.

    Customer 1 ── n Order 1 ── n OrderLine n ── 1 Product

All money is in US dollars. Optional text that was not given is NULL, because a report must distinguish "no note"
(nothing between two commas) from "an empty note" (two double quotes).
"""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Country(models.TextChoices):
    """Where the shop delivers to; ISO 3166-1 alpha-2."""

    JAPAN = "JP", _("Japan")
    UNITED_STATES = "US", _("United States")
    UNITED_KINGDOM = "GB", _("United Kingdom")
    GERMANY = "DE", _("Germany")
    FRANCE = "FR", _("France")
    POLAND = "PL", _("Poland")
    GREECE = "GR", _("Greece")


class Channel(models.TextChoices):
    """How an order reached the shop."""

    WEB = "web", _("Web")
    STORE = "store", _("Store")
    PHONE = "phone", _("Phone")


class Customer(models.Model):
    """A person or a company that has an account with the shop."""

    code = models.CharField(max_length=20, unique=True, help_text=_("Account number, as printed on invoices."))
    name = models.CharField(max_length=200)
    kana = models.CharField(
        max_length=200, null=True, blank=True, help_text=_("How the name is read, in katakana; Japanese names only.")
    )
    email = models.CharField(max_length=254, null=True, blank=True)
    phone = models.CharField(max_length=40, null=True, blank=True)
    country = models.CharField(max_length=2, choices=Country.choices, help_text=_("ISO 3166-1 alpha-2."))
    address = models.TextField(help_text=_("As written on a parcel; may have several lines."))
    notes = models.TextField(null=True, blank=True, help_text=_("Free text of the shop's staff."))

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Product(models.Model):
    """An article of the catalog."""

    sku = models.CharField(max_length=20, unique=True, help_text=_("Stock keeping unit: the article number."))
    name = models.CharField(max_length=200)
    category = models.CharField(max_length=60)
    list_price = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("US dollars per unit when the product was launched."),
    )

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"


class Order(models.Model):
    """A purchase by one customer at one moment."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    ordered_at = models.DateTimeField()
    channel = models.CharField(max_length=10, choices=Channel.choices)
    note = models.TextField(null=True, blank=True, help_text=_("Free text of the customer."))

    class Meta:
        indexes = [models.Index(fields=["ordered_at"], name="sales_order_ordered_at")]

    def __str__(self) -> str:
        return f"order {self.pk}"


class OrderLine(models.Model):
    """One product of an order. The amount is stored, because it was rounded once, on the invoice."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="lines")
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1)], help_text=_("Units."))
    unit_price = models.DecimalField(
        max_digits=12, decimal_places=2, help_text=_("US dollars per unit on the day of the order, before discount.")
    )
    discount_percent = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(100)], help_text=_("Percent off the whole line, 0 to 100.")
    )
    amount = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        help_text=_("US dollars: quantity times unit price less the discount, rounded half up to the cent."),
    )

    class Meta:
        db_table = "sales_order_line"
        # Replaces the foreign key's own index. It returns the lines in the sequence of the orders' primary key, so that
        # a report of all lines merges both without a sort and sends its first row at once.
        indexes = [models.Index(fields=["order", "id"], name="sales_order_line_order_id_id")]

    def __str__(self) -> str:
        return f"order line {self.pk}"
