"""Whole uploads, from the bytes to the rows of the table."""

import csv
import io
import json
import random
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.apps.warehouse.models import Item, Supplier, Tenant
from tests.support.apps.warehouse.upload_types import ITEM_COLUMNS, Items
from tests.support.undos import undo
from tests.support.uploads import file_of, upload
from uploads.ingest import deciding
from uploads.ingest.digest import digest_of_plan
from uploads.ingest.session import Session
from uploads.ingest.target import Target
from uploads.types import Column

pytestmark = pytest.mark.django_db(transaction=True)

CLEAN = "Code,Name,Price,Count\nA-1,Bolt,1.50,3\nA-2,Nut,0.20,\n"


@pytest.fixture
def tenant(owner: User) -> Tenant:
    return Tenant.objects.create(code=owner.get_username())


def shown(job: Job) -> dict[str, Any]:
    return dict((job.result or {})["upload"])


def counts(job: Job) -> tuple[int, ...]:
    names = ("Inserted", "Updated", "Unchanged", "Failed", "Blank")
    assert shown(job)["rowsTotal"] == sum(shown(job)[f"rows{name}"] for name in names)
    return tuple(shown(job)[f"rows{name}"] for name in names)


def test_new_rows_are_inserted_with_defaults(owner: User, tenant: Tenant) -> None:
    job = upload(owner, "items", CLEAN)
    assert (job.state, counts(job)) == (State.SUCCEEDED, (2, 0, 0, 0, 0)), job.error_message
    first, second = Item.objects.order_by("code")
    assert (first.tenant, first.name, first.price, first.count) == (tenant, "Bolt", Decimal("1.50"), 3)
    assert (second.count, second.is_active, second.kind, second.weight) == (0, True, "part", None)
    assert first.created_at == first.updated_at
    assert shown(job)["phase"] == "merged"
    assert (shown(job)["bytesRead"], shown(job)["encoding"], shown(job)["delimiter"]) == (len(CLEAN), "utf-8", ",")
    assert file_of(job, Artifact.Role.RESULTS).decode() == "record,action,key\n1,insert,A-1\n2,insert,A-2\n"


def test_the_same_file_again_changes_nothing(owner: User, tenant: Tenant) -> None:
    upload(owner, "items", CLEAN)
    before = versions()
    job = upload(owner, "items", CLEAN)
    assert counts(job) == (0, 0, 2, 0, 0)
    assert versions() == before


def versions() -> list[tuple[Any, ...]]:
    """The rows with the system columns that any write or lock changes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, xmin::text, xmax::text, ctid::text FROM warehouse_item ORDER BY code")
        return list(cursor.fetchall())


def test_only_changed_rows_and_columns_of_the_file_are_written(owner: User, tenant: Tenant) -> None:
    upload(owner, "items", CLEAN)
    Item.objects.update(note="kept")
    before = versions()
    job = upload(owner, "items", "Code;Price;Name\nA-1;1.50;Bolt\nA-2;0.25;Nut\n\n;;\nA-3;9;Screw\n")
    assert counts(job) == (1, 1, 1, 0, 2)
    assert [(item.code, item.price, item.note) for item in Item.objects.order_by("code")] == [
        ("A-1", Decimal("1.50"), "kept"),
        ("A-2", Decimal("0.25"), "kept"),
        ("A-3", Decimal("9.00"), None),
    ]
    assert versions()[0] == before[0]
    changed = Item.objects.get(code="A-2")
    assert changed.updated_at > changed.created_at
    assert shown(job)["delimiter"] == ";"


BAD = (
    "Code,Name,Price,Count\n"
    "A-1,Bolt,1.50,3\n"  # line 2
    'A-2,"two\nlines",x,-1\n'  # lines 3 and 4: two errors
    '5" pipe,Pipe,1,1\n'  # line 5
    "A-3,Nut\n"  # line 6
    "A-1,Bolt again,2,1\n"  # line 7: the key of line 2
    "\n"  # line 8
    "A-4,Washer,3,1\n"  # line 9
)


def test_rows_change_in_the_order_of_their_keys(owner: User, tenant: Tenant) -> None:
    """Whatever their order in the table and in the file: neighbours change together, and their page is logged once."""

    def rows_before_a_lower_key() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM warehouse_item ORDER BY ctid")
            return sum(after < before for (before,), (after,) in pairwise(cursor.fetchall()))

    with connection.cursor() as cursor:
        # No room that earlier tests or autovacuum leave on the pages, which would be filled first.
        cursor.execute("TRUNCATE warehouse_item CASCADE")
        cursor.execute("ALTER TABLE warehouse_item SET (autovacuum_enabled = false)")
    keys = random.Random(20).sample(range(1, 3001), 3000)
    Item.objects.bulk_create([Item(pk=key, tenant=tenant, code=f"A-{key}", name="Bolt", price=1) for key in keys])
    file = "Code,Name,Price\n" + "".join(f"A-{key},Bolt,2\n" for key in sorted(keys, key=str))
    job = upload(owner, "items", file)
    assert counts(job) == (0, 3000, 0, 0, 0)
    assert rows_before_a_lower_key() < 10
    assert undo(job).state == State.SUCCEEDED
    assert set(Item.objects.values_list("price", flat=True)) == {1}
    assert rows_before_a_lower_key() < 10
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE warehouse_item RESET (autovacuum_enabled)")


def test_one_bad_row_and_nothing_is_written(owner: User, tenant: Tenant) -> None:
    job = upload(owner, "items", BAD)
    assert (job.state, (job.result or {})["error"]["code"]) == (State.DEAD, "rows-rejected"), job.error_message
    assert counts(job) == (1, 0, 0, 5, 1)
    assert not Item.objects.exists()
    found = [
        (e["line"], e["endLine"], e["record"], e["column"], e["code"], e["value"]) for e in shown(job)["errorsPreview"]
    ]
    assert found == [
        (2, 2, 1, "Code", "duplicate-in-file", "A-1"),
        (3, 4, 2, "Count", "check-failed", "-1"),
        (3, 4, 2, "Price", "type-error", "x"),
        (5, 5, 3, None, "stray-quote", None),
        (6, 6, 4, None, "missing-cells", None),
        (7, 7, 5, "Code", "duplicate-in-file", "A-1"),
    ]
    assert [e["byte"] for e in shown(job)["errorsPreview"]] == [22, 38, 38, 59, 76, 84]
    assert {(g["code"], g["count"], tuple(g["firstLines"])) for g in shown(job)["errorGroups"]} == {
        ("duplicate-in-file", 2, (2, 7)),
        ("check-failed", 1, (3,)),
        ("type-error", 1, (3,)),
        ("stray-quote", 1, (5,)),
        ("missing-cells", 1, (6,)),
    }


def test_good_rows_go_in_and_bad_ones_come_back(owner: User, tenant: Tenant) -> None:
    job = upload(owner, "items", BAD, mode="partial")
    assert (job.state, counts(job)) == (State.SUCCEEDED, (1, 0, 0, 5, 1)), job.error_message
    assert [item.code for item in Item.objects.all()] == ["A-4"]
    rejected = file_of(job, Artifact.Role.ERRORS).decode()
    rows = list(csv.reader(io.StringIO(rejected, newline=""), strict=True))
    assert rows[0] == ["Code", "Name", "Price", "Count", "_line", "_errors"]
    assert [row[:5] for row in rows[1:]] == [
        ["A-1", "Bolt", "1.50", "3", "2"],
        ["A-2", "two\nlines", "x", "-1", "3"],
        ['5" pipe', "Pipe", "1", "1", "5"],
        ["A-3", "Nut", "", "", "6"],
        ["A-1", "Bolt again", "2", "1", "7"],
    ]
    mended = (
        rejected.replace(",x,-1,", ",4,1,").replace("A-3,Nut,,,", "A-3,Nut,1,1,").replace("A-1,Bolt again", "A-5,Bolt")
    )
    again = upload(owner, "items", mended, corrects=str(job.pk))
    assert (again.state, counts(again)) == (State.SUCCEEDED, (5, 0, 0, 0, 0)), again.error_message
    assert sorted(Item.objects.values_list("code", flat=True)) == ['5" pipe', "A-1", "A-2", "A-3", "A-4", "A-5"]


def test_a_dry_run_writes_nothing_and_its_digest_confirms_the_plan(owner: User, tenant: Tenant) -> None:
    upload(owner, "items", CLEAN)
    change = "Code,Name,Price\nA-1,Bolt,1.75\nA-3,Screw,1\n"
    dry = upload(owner, "items", change, dryRun=True)
    assert (dry.state, counts(dry), shown(dry)["phase"]) == (State.SUCCEEDED, (1, 1, 0, 0, 0), "planned")
    assert Item.objects.count() == 2
    update, insert = shown(dry)["samples"]
    assert update == {"record": 1, "action": "update", "before": {"price": "1.50"}, "after": {"price": "1.75"}}
    assert insert["after"] == {"code": "A-3", "name": "Screw", "price": 1}
    Item.objects.filter(code="A-1").update(price=9)
    refused = upload(owner, "items", change, plan=shown(dry)["planDigest"])
    assert (refused.state, (refused.result or {})["error"]["code"]) == (State.DEAD, "plan-changed")
    dry = upload(owner, "items", change, dryRun=True)
    assert upload(owner, "items", change, plan=shown(dry)["planDigest"]).state == State.SUCCEEDED
    assert Item.objects.get(code="A-1").price == Decimal("1.75")


@pytest.mark.parametrize("default", [{"default": timezone.now}, {"db_default": Now(), "_db_default_expression": Now()}])
def test_a_digest_confirms_a_plan_whose_defaults_come_from_the_clock(
    default: dict[str, Any], owner: User, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest has the cell in place of such a value, so that it still is that of this file only."""
    field = Item._meta.get_field("made_at")
    for name, value in default.items():
        monkeypatch.setattr(field, name, value)
    monkeypatch.setitem(ITEM_COLUMNS, "made_at", Column("Made at", empty="default"))
    for key, mode in ((Items.key, "upsert"), ((), "insert")):
        monkeypatch.setattr(Items, "key", key)
        monkeypatch.setattr(Items, "mode", mode)
        rows = f"Code,Name,Price,Made at\nA-{len(key)},Bolt,1,\nB-{len(key)},Nut,1,2024-01-01\n"
        digest = shown(upload(owner, "items", rows, dryRun=True))["planDigest"]
        assert len(digest) == 32
        other = upload(owner, "items", rows.replace("2024", "2025"), plan=digest)
        assert (other.result or {})["error"]["code"] == "plan-changed"
        job = upload(owner, "items", rows, plan=digest)
        assert job.state == State.SUCCEEDED, job.error_message
        assert not Item.objects.filter(made_at=None).exists()


def test_samples_show_the_beginning_of_long_values(owner: User, tenant: Tenant) -> None:
    rows = [f"A-{number},{'x' * 100_000}{number}" for number in range(3)]
    upload(owner, "items", "\n".join(["Code,Note,Name,Price", *(f"{row},Bolt,1.50" for row in rows[:2])]))
    rows[1] += "!"
    job = upload(owner, "items", "\n".join(["Code,Note,Name,Price", *(f"{row},Bolt,1.5" for row in rows)]), dryRun=True)
    cut = {"note": "x" * 200}
    assert shown(job)["samples"] == [
        {"record": 2, "action": "update", "before": cut, "after": cut},
        {"record": 3, "action": "insert", "after": {"code": "A-2", **cut, "name": "Bolt", "price": "1.5"}},
    ]


def test_a_dry_run_shows_no_row_that_is_deleted_meanwhile(
    owner: User, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete_first(session: Session, target: Target) -> str:
        Item.objects.filter(code="A-1").delete()
        return digest_of_plan(session, target)

    upload(owner, "items", CLEAN)
    monkeypatch.setattr(deciding, "digest_of_plan", delete_first)
    job = upload(owner, "items", "Code,Name,Price\nA-1,Bolt,9\nA-2,Nut,9\n", dryRun=True)
    assert (job.state, counts(job)) == (State.SUCCEEDED, (0, 2, 0, 0, 0)), job.error_message
    assert [sample["record"] for sample in shown(job)["samples"]] == [2]


def test_rows_of_another_tenant_are_unknown(owner: User, tenant: Tenant) -> None:
    other = Tenant.objects.create(code="other")
    Item.objects.create(tenant=other, code="A-1", name="Theirs", price=1)
    Supplier.objects.create(tenant=other, code="S-1", name="Theirs")
    job = upload(owner, "item-prices", "Code,Price\nA-1,2\n")
    assert [e["code"] for e in shown(job)["errorsPreview"]] == ["not-found"]
    job = upload(owner, "items", "Code,Name,Price,Supplier\nA-1,Mine,2,S-1\n")
    assert [e["code"] for e in shown(job)["errorsPreview"]] == ["unknown-lookup"]
    assert Item.objects.get().name == "Theirs"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "empty-file"),
        ("Code,Name,Price\n", "no-rows"),
        ("Kode,Nahme\n1,2\n", "unknown-headings"),
        ("Code,Name\n1,2\n", "missing-column"),
        ("Code,Name,Price,Item\n1,2,3,4\n", "duplicate-column"),
        ("Code,Name,Price,\n1,2,3,4\n", "blank-heading"),
        ('Code,Name,Price\n1,"2,3\n', "unterminated-quote"),
        (b"PK\x03\x04" + bytes(100), "not-csv"),
        (f"Code,Name,Price,{','.join(map(str, range(400)))}\n1,2,3{',4' * 400}\n", "too-many-columns"),
    ],
)
def test_a_file_that_is_refused_as_a_whole(data: str | bytes, code: str, owner: User, tenant: Tenant) -> None:
    job = upload(owner, "items", data)
    assert (job.state, (job.result or {})["error"]["code"]) == (State.DEAD, code), job.error_message
    assert (job.result or {})["error"]["detail"]
    assert not Item.objects.exists()


@pytest.mark.parametrize(
    ("headings", "code"),
    [
        (["Kode", "Nahme"], "unknown-headings"),
        ([f"c{number}" for number in range(95_000)], "unknown-headings"),
        (["Code", "Name", *(f"c{number}" for number in range(95_000))], "missing-column"),
        (["Code", "Name", "x" * 400_000, "x" * 400_000], "duplicate-column"),
    ],
)
def test_the_status_of_a_refused_file_is_short_and_names_no_headings_that_the_file_lacks(
    headings: list[str], code: str, owner: User, tenant: Tenant
) -> None:
    job = upload(owner, "items", f"{','.join(headings)}\n1,2\n")
    assert (job.state, (job.result or {})["error"]["code"]) == (State.DEAD, code), job.error_message
    assert set(shown(job).get("headings", [])) <= set(headings)
    assert len(json.dumps(job.result)) + len(job.error_message) < 3000


def test_too_many_updates_are_refused(owner: User, tenant: Tenant) -> None:
    upload(owner, "items", CLEAN)
    job = upload(owner, "item-prices", "Code,Price\nA-1,7\nA-2,7\n")
    assert (job.result or {})["error"]["code"] == "too-many-updates"
    assert upload(owner, "item-prices", "Code,Price\nA-1,7\n").state == State.SUCCEEDED


def test_german_formats_words_and_checks_in_python(owner: User, tenant: Tenant) -> None:
    data = "Artikel;Name;Preis;Aktiv;Gebaut am;Art\nB-1;Säge;1.234,50;nein;31.12.2023;Werkzeug\nB-2;B-2;1;ja;;\n"
    job = upload(
        owner, "new-items", data.encode("cp1252"), mode="partial", csv={"encoding": "cp1252", "delimiter": None}
    )
    assert counts(job) == (1, 0, 0, 1, 0), (job.error_message, job.result)
    item = Item.objects.get()
    assert (item.name, item.price, item.is_active, item.kind) == ("Säge", Decimal("1234.50"), False, "tool")
    assert str(item.made_on) == "2023-12-31"
    assert [(e["column"], e["code"], e["message"]) for e in shown(job)["errorsPreview"]] == [
        ("Name", "invalid-value", "The name must differ from the number.")
    ]
