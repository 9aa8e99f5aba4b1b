"""The example uploads: sound declarations, for everybody who is signed in, that take the example's own reports."""

import csv
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db import connection
from django.db.models import F

from examples.sales.models import Customer, OrderLine
from examples.sales.seeding import seed_sales
from examples.sales.upload_types import OrderLines, Products
from jobs.models import Job
from tests.support.uploads import report, upload
from uploads.checks import check_conditions, mistakes_in
from uploads.schemas import json_schema, table_schema, template_csv
from uploads.types import UPLOAD_TYPES


@pytest.mark.parametrize("upload_type", [OrderLines(), Products()])
def test_the_declaration_has_no_mistakes(upload_type: OrderLines | Products, db: None) -> None:
    assert list(mistakes_in(upload_type)) == []
    assert check_conditions(databases=["default"]) == []


def shown(job: Job) -> dict[str, Any]:
    assert job.result is not None, job.error_message
    return dict(job.result["upload"])


def test_whoever_is_signed_in_may_upload(db: None) -> None:
    clerk = User.objects.create_user("clerk")
    assert [known.identifier for known in UPLOAD_TYPES.orderable_by(clerk)] == ["order-lines", "products"]
    assert not OrderLines().may_upload(AnonymousUser())
    assert not Products().may_upload(AnonymousUser())


def test_order_lines_know_the_columns_of_the_report_that_they_write(db: None) -> None:
    assert template_csv(OrderLines()).decode("utf-8-sig") == (
        "line_id,order_id,customer_code,sku,quantity,unit_price,discount_percent,amount\r\n"
    )
    schema = json_schema(OrderLines())
    assert schema["properties"]["discount_percent"] == {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": 100,
        "description": "Percent off the whole line, 0 to 100.",
    }
    assert "customer_code" not in schema["required"]
    assert table_schema(OrderLines())["primaryKey"] == ["line_id"]


@pytest.mark.parametrize("safe", [True, False])
def test_the_report_of_that_name_leaves_all_lines_unchanged(transactional_db: None, owner: User, safe: bool) -> None:
    list(seed_sales(lines=300, using="default"))
    file = report(owner, "order-lines", spreadsheetSafe=safe)
    again = shown(upload(owner, "order-lines", file))
    assert (again["rowsTotal"], again["rowsUnchanged"]) == (300, 300)
    assert [warning["code"] for warning in again["warnings"]] == ["unknown-column"]

    customers = report(owner, "customers", spreadsheetSafe=safe)
    owner.user_permissions.set(Permission.objects.filter(codename__in=["add_customer", "change_customer"]))
    again = shown(upload(User.objects.get(pk=owner.pk), "customers", customers))
    assert (again["rowsFailed"], again["rowsUpdated"], again["rowsUnchanged"]) == (0, 0, again["rowsTotal"])
    assert again["rowsTotal"] == Customer.objects.count() > 0


def test_an_edited_report_changes_what_was_edited_and_names_what_is_wrong(transactional_db: None, owner: User) -> None:
    list(seed_sales(lines=30, using="default"))
    heading, first, second, third, *rest = report(owner, "order-lines").decode("utf-8-sig").splitlines(keepends=True)
    line = dict(zip(next(csv.reader([heading])), next(csv.reader([first])), strict=True))
    before = OrderLine.objects.get(pk=line["line_id"])
    price = before.unit_price * 2
    amount = round(price * before.quantity * (100 - before.discount_percent) / 100, 2)

    def edited(text: str, **cells: object) -> str:
        columns = next(csv.reader([heading]))
        written = StringIO(newline="")
        row = dict(zip(columns, next(csv.reader([text])), strict=True)) | cells
        csv.writer(written).writerow([row[name] for name in columns])
        return written.getvalue()

    good = edited(first, unit_price=price, amount=amount)
    bad = edited(second, customer_code="nobody", sku="none"), edited(third, amount="0.01")
    job = upload(owner, "order-lines", "".join((heading, good, *bad, *rest)), mode="partial")
    assert (shown(job)["rowsUpdated"], shown(job)["rowsFailed"], shown(job)["rowsUnchanged"]) == (1, 2, 27)
    assert OrderLine.objects.get(pk=before.pk).amount == amount
    assert [(e["line"], e["column"], e["code"]) for e in shown(job)["errorsPreview"]] == [
        (3, "customer_code", "unknown-lookup"),
        (3, "sku", "unknown-lookup"),
        (4, "amount", "check-failed"),
    ]


def test_all_lines_of_the_sample_data_pass_the_check_of_the_amount(shop: int) -> None:
    check = OrderLines.columns["amount"].check
    count = f"SELECT count(*) FROM sales_order_line WHERE {check}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(count)
        assert cursor.fetchone()[0] == shop
        OrderLine.objects.filter(pk=OrderLine.objects.earliest("pk").pk).update(amount=F("amount") + 1)
        cursor.execute(count)
        assert cursor.fetchone()[0] == shop - 1


@pytest.mark.django_db(transaction=True)
def test_no_line_takes_the_numbers_that_later_lines_need(owner: User) -> None:
    list(seed_sales(lines=30, using="default"))
    lines = list(csv.reader(StringIO(report(owner, "order-lines", spreadsheetSafe=False).decode())))
    one = lines[1]
    one[0] = str(2**63 - 1)
    file = StringIO()
    csv.writer(file).writerows([lines[0], one])
    job = upload(owner, "order-lines", file.getvalue())
    assert [(e["column"], e["code"]) for e in shown(job)["errorsPreview"]] == [("line_id", "out-of-range")]
    one[0] = str(2**62 - 1)
    file = StringIO()
    csv.writer(file).writerows([lines[0], one])
    assert upload(owner, "order-lines", file.getvalue()).state == "succeeded"
    line = OrderLine.objects.earliest("pk")
    line.pk = None
    line.save()
    assert line.pk == 2**62
