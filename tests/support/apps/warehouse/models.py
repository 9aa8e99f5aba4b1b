"""The tables of a warehouse. Rows belong to tenants; a user is of the tenant that has the user's name."""

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q


class Tenant(models.Model):
    code = models.CharField(max_length=150, unique=True)

    def __str__(self) -> str:
        return self.code


def tenant_of(user: Any) -> Tenant:
    """Raises Tenant.DoesNotExist."""
    return Tenant.objects.get(code=user.get_username())


class Supplier(models.Model):
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="warehouse_supplier_code")]
        indexes = [
            models.Index(fields=["code"], name="warehouse_supplier_by_code"),
            models.Index(fields=["name"], name="warehouse_supplier_by_name"),
        ]

    def __str__(self) -> str:
        return self.code


class Kind(models.TextChoices):
    PART = "part", "Spare part"
    TOOL = "tool", "Tool"
    OTHER = "", "Other"


class Item(models.Model):
    """A field of each type that an upload can fill; most may be NULL."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    code = models.CharField(max_length=20, help_text="The number on the shelf.")
    name = models.CharField(max_length=40)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    weight = models.FloatField(null=True, blank=True)
    count = models.IntegerField(db_default=0)
    small = models.SmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(-10), MaxValueValidator(Decimal(1000))]
    )
    is_active = models.BooleanField(default=True)
    made_on = models.DateField(null=True, blank=True)
    made_at = models.DateTimeField(null=True, blank=True)
    at = models.TimeField(null=True, blank=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PART, blank=True)
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, null=True, blank=True, related_name="items")
    color = models.TextField(null=True, blank=True, validators=[RegexValidator(r"^#[0-9a-f]{6}\Z")])  # noqa: DJ001
    uuid = models.UUIDField(null=True, blank=True, unique=True)
    note = models.TextField(null=True, blank=True)  # noqa: DJ001
    updated_at = models.DateTimeField(auto_now=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="warehouse_item_code"),
            models.CheckConstraint(condition=Q(price__gte=0), name="warehouse_item_price"),
        ]
        indexes = [models.Index(fields=["code"], name="warehouse_item_by_code")]

    def __str__(self) -> str:
        return self.code


class Movement(models.Model):
    """Has no key but the database's own."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="movements")
    quantity = models.IntegerField()
    moved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.quantity} of {self.item}"


class Parcel(models.Model):
    """Its number and its label are unique over all tenants."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    number = models.CharField(max_length=12, unique=True)
    label = models.CharField(max_length=12, unique=True)
    size = models.CharField(max_length=10, choices={"small": "Small", "large": "Large"})
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="parcels")
    sender = models.EmailField()
    note = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.number


class Snippet(models.Model):
    """Text and nothing else, so that any file can be compared with the table, character by character."""

    name = models.TextField(unique=True)
    text = models.TextField(null=True, blank=True)  # noqa: DJ001
    more = models.TextField(null=True, blank=True)  # noqa: DJ001

    def __str__(self) -> str:
        return self.name
