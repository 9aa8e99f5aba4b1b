"""Uploads of one movement of an item: its table has no key, so a row that is written twice is there twice."""

from django.contrib.auth.models import User

from jobs.dispatch.release import publish_jobs
from jobs.models import Job
from tests.support.apps.warehouse.models import Item, Movement, Supplier, Tenant
from tests.support.uploads import make_upload


def make_item(owner: User) -> None:
    """What the movements refer to."""
    tenant = Tenant.objects.create(code=owner.get_username())
    supplier = Supplier.objects.create(tenant=tenant, code="S-1", name="Smith")
    Item.objects.create(tenant=tenant, code="A-1", name="Bolt", price=1, supplier=supplier)


def make_movement(owner: User, quantity: int) -> Job:
    """A job that is handed out, though nobody is told."""
    data = f"Item,Supplier,Quantity,Moved at\nA-1,S-1,{quantity},2026-01-31T12:00:00Z\n"
    return make_upload(owner, "movements", data.encode())


def order_movement(owner: User, quantity: int) -> Job:
    """The same, and a worker is told."""
    job = make_movement(owner, quantity)
    publish_jobs("uploads", [job.pk])
    return job


def moved() -> list[int]:
    """The quantities of all movements, in ascending order."""
    return list(Movement.objects.order_by("quantity").values_list("quantity", flat=True))
