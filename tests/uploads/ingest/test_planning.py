"""What others commit while an upload is planned."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs.models import Artifact
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.outages import another_session
from tests.support.uploads import file_of, upload
from uploads.ingest import planning

pytestmark = pytest.mark.django_db(transaction=True)

#: The plan finds no supplier S-1. Before the errors are listed, somebody adds it.
FILE = "Code,Name,Price,Supplier\nA-1,Bolt,1,S-1\nA-2,Nut,1,\n"
ADD_SUPPLIER = (
    b"INSERT INTO warehouse_supplier (tenant_id, code, name, is_active)"
    b" SELECT id, 'S-1', 'Smith', true FROM warehouse_tenant"
)


@pytest.mark.parametrize("mode", ["atomic", "partial"])
def test_a_row_that_is_rejected_has_a_reason_even_if_it_has_just_gone(
    mode: str, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Tenant.objects.create(code=owner.get_username())

    def note_violations(*args: Any) -> None:
        with another_session("SELECT 1") as other:
            other.execute(ADD_SUPPLIER)
            other.commit()
        real(*args)

    real = planning._note_violations
    monkeypatch.setattr(planning, "_note_violations", note_violations)
    job = upload(owner, "items", FILE, mode=mode)
    [error] = (job.result or {})["upload"]["errorsPreview"]
    assert (error["record"], error["code"], error["value"]) == (1, "unknown-lookup", "S-1")
    assert b"A-1,Bolt,1,S-1,2,Supplier" in file_of(job, Artifact.Role.ERRORS)
    assert list(Item.objects.values_list("code", flat=True)) == (["A-2"] if mode == "partial" else [])
