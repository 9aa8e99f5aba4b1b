"""Whole undos: each row that an upload has changed is taken back, or kept and listed with the reason."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet

from jobs.models import Job
from jobs.states import State
from tests.support.apps.warehouse.models import Item, Movement, Supplier, Tenant
from tests.support.apps.warehouse.upload_types import Items
from tests.support.undos import results, shown, undo
from tests.support.uploads import upload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant(owner: User) -> Tenant:
    return Tenant.objects.create(code=owner.get_username())


def counts(job: Job) -> tuple[int, ...]:
    """Restored, deleted and kept rows."""
    names = ("rowsRestored", "rowsDeleted", "rowsKept")
    restored, deleted, kept = (int(shown(job)[name]) for name in names)
    assert shown(job)["rowsTotal"] == shown(job)["rowsReversed"] + kept
    assert shown(job)["rowsReversed"] == restored + deleted
    return restored, deleted, kept


def content(table: str, columns: str = "*") -> bytes:
    """All rows, as COPY writes them."""
    statement = f"COPY (SELECT {columns} FROM {table} ORDER BY 1) TO STDOUT"  # noqa: S608
    with connection.cursor() as cursor, cursor.copy(statement) as rows:
        return b"".join(map(bytes, rows))


#: Without `updated_at`, which tells when a row was last written.
ITEM = (
    "id, tenant_id, code, name, price, weight, count, small, is_active, made_on, made_at, at, kind, supplier_id, color,"
    " uuid, note, created_at"
)
NASTY = (
    "Code,Name,Price,Weight,Count,Small,Active,Made on,Made at,At,Kind,Supplier,Color,UUID,Note\n"
    'A-1,"Bolt\t\\N ""x""",9.99,0.1,4,-3,no,2024-02-29,2024-03-31T02:30:00.123456+09:00,23:59:59.5,tool,S-1,#00ff00,'
    '6f9619ff-8b86-d011-b42d-00c04fc964ff,"two\r\nlines \\. \\N"\n'
    "A-2,Nut,0.20,,,,,,,,,,,,\n"
    'A-3,Screw,1,1e300,2,,,,,,,,,,""\n'
    "A-4,螺子,2,,2,,,,,,,,,,\n"
)


def test_the_table_is_as_it_was_before_the_upload(owner: User, tenant: Tenant) -> None:
    Supplier.objects.create(tenant=tenant, code="S-1", name="One")
    upload(owner, "items", "Code,Name,Price,Weight,Note\nA-1,Bolt \\ {x},1.50,0.30000000000000004,\nA-2,Nut,0.20,,\n")
    Item.objects.filter(code="A-1").update(note="\\N", made_at="1999-12-31T23:59:59.999999Z", color="#123456")
    before, rest = content("warehouse_item", ITEM), content("warehouse_supplier")
    job = upload(owner, "items", NASTY)
    assert (job.state, shown(job)["rowsInserted"], shown(job)["rowsUpdated"]) == (State.SUCCEEDED, 2, 2), (
        job.error_message
    )
    assert content("warehouse_item", ITEM) != before
    changed_at = Item.objects.get(code="A-1").updated_at
    undone = undo(job)
    assert (undone.state, counts(undone)) == (State.SUCCEEDED, (2, 2, 0)), undone.error_message
    assert shown(undone)["phase"] == "merged"
    assert content("warehouse_item", ITEM) == before
    assert content("warehouse_supplier") == rest
    assert Item.objects.get(code="A-1").updated_at > changed_at
    assert results(undone) == [
        ["1", "A-1", "restored", "", ""],
        ["2", "A-2", "restored", "", ""],
        ["3", "A-3", "deleted", "", ""],
        ["4", "A-4", "deleted", "", ""],
    ]


def test_new_rows_without_a_key_are_known_by_their_primary_key(owner: User, tenant: Tenant) -> None:
    upload(owner, "items", "Code,Name,Price\nA-1,Bolt,1\n")
    file = "Item,Quantity,Moved at\nA-1,5,2024-01-01T00:00:00Z\nA-1,5,2024-01-01T00:00:00Z\n"
    kept, job = upload(owner, "movements", file), upload(owner, "movements", file)
    _, second, third, fourth = Movement.objects.order_by("pk")
    assert (third.pk, fourth.pk) == (second.pk + 1, second.pk + 2)
    before = content("warehouse_movement")
    Movement.objects.filter(pk=fourth.pk).update(quantity=6)
    undone = undo(job)
    assert counts(undone) == (0, 1, 1), undone.error_message
    assert shown(undone)["keptGroups"] == [{"code": "changed-since", "count": 1}]
    assert results(undone) == [
        ["1", str(third.pk), "deleted", "", ""],
        ["2", str(fourth.pk), "kept", "changed-since", "Quantity"],
    ]
    assert counts(undo(kept)) == (0, 2, 0)
    assert [movement.quantity for movement in Movement.objects.all()] == [6]
    assert before.count(b"\n") == 4


OLD = "Code,Name,Price,UUID\n" + "".join(
    f"K-{n},Old {n},{n},00000000-0000-0000-0000-00000000000{n}\n" for n in range(1, 8)
)
NEW = (
    "Code,Name,Price,UUID\n"
    + "".join(f"K-{n},New {n},{n}.50,00000000-0000-0000-0000-0000000000{n}0\n" for n in range(1, 8))
    + "".join(f"N-{n},Newer {n},1,\n" for n in range(1, 7))
)


def test_a_row_that_is_not_as_the_upload_left_it_is_kept_with_the_reason(owner: User, tenant: Tenant) -> None:
    upload(owner, "items", OLD)
    job = upload(owner, "items", NEW)
    assert (shown(job)["rowsUpdated"], shown(job)["rowsInserted"]) == (7, 6), job.error_message
    items, other = Item.objects, Tenant.objects.create(code="other")
    items.filter(code="K-1").update(note="by hand")  # not a column of the file
    items.filter(code="K-2").update(price=3, name="By hand")
    items.filter(code="K-3").delete()
    items.filter(code="K-4").update(tenant=other)
    items.create(tenant=tenant, code="X", name="x", price=1, uuid="00000000-0000-0000-0000-000000000005")
    items.filter(code="K-6").update(price="6.5")  # as it was
    items.filter(code="N-1").update(note="by hand")  # for a new row, each column counts
    items.filter(code="N-2").delete()
    Movement.objects.create(item=items.get(code="N-3"), quantity=1, moved_at="2024-01-01T00:00:00Z")
    items.filter(code="N-4").update(tenant=other)
    items.filter(code="N-5").update(is_active=False, count=7)
    undone = undo(job)
    assert (undone.state, counts(undone)) == (State.SUCCEEDED, (3, 1, 9)), undone.error_message
    assert results(undone) == [
        ["1", "K-1", "restored", "", ""],
        ["2", "K-2", "kept", "changed-since", "Name, Price"],
        ["3", "K-3", "kept", "gone", ""],
        ["4", "K-4", "kept", "not-found", ""],
        ["5", "K-5", "kept", "key-taken", ""],
        ["6", "K-6", "restored", "", ""],
        ["7", "K-7", "restored", "", ""],
        ["8", "N-1", "kept", "changed-since", "Note"],
        ["9", "N-2", "kept", "gone", ""],
        ["10", "N-3", "kept", "referenced", ""],
        ["11", "N-4", "kept", "not-found", ""],
        ["12", "N-5", "kept", "changed-since", "Count, Active"],
        ["13", "N-6", "deleted", "", ""],
    ]
    groups = {group["code"]: group["count"] for group in shown(undone)["keptGroups"]}
    assert groups == {"changed-since": 3, "gone": 2, "not-found": 2, "key-taken": 1, "referenced": 1}
    rows = {item.code: (item.name, item.note) for item in items.all()}
    assert (rows["K-1"], rows["K-2"], rows["K-5"], rows["K-7"]) == (
        ("Old 1", "by hand"),
        ("By hand", None),
        ("New 5", None),
        ("Old 7", None),
    )
    assert rows.keys() == {"K-1", "K-2", "K-4", "K-5", "K-6", "K-7", "X", "N-1", "N-3", "N-4", "N-5"}


@pytest.mark.parametrize(
    ("rows_of", "kept"),
    [
        (lambda: Item.objects.filter(movements__quantity__gt=0), 1),
        (lambda: Item.objects.order_by("code")[:1], 1),
        (lambda: Item.objects.none(), 2),
    ],
)
def test_rows_of_may_be_any_queryset(
    rows_of: Callable[[], QuerySet[Item]], kept: int, owner: User, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user may now touch only A-1, which has moved twice, or nothing."""
    upload(owner, "items", "Code,Name,Price\nA-1,Bolt,1\nA-2,Nut,1\n")
    job = upload(owner, "items", "Code,Name,Price\nA-1,Bolt,2\nA-2,Nut,2\n")
    moves = "Item,Quantity,Moved at\n" + "A-1,5,2024-01-01T00:00:00Z\n" * 2
    upload(owner, "movements", moves)
    monkeypatch.setattr(Items, "rows_of", lambda self, user: rows_of())
    undone = undo(job)
    assert counts(undone) == (2 - kept, 0, kept), undone.error_message
    assert shown(undone)["keptGroups"] == [{"code": "not-found", "count": kept}]
